/** Kinds of voices; `vits` are those of Piper and others. */
export type SherpaTtsType = "kokoro" | "vits" | "matcha";

/** Options of {@link createSherpaTts}. */
export interface SherpaTtsOptions {
  /** The folder that a voice's archive unpacks to; a relative path begins at the working directory. */
  readonly modelPath: string | URL;
  /**
   * What kind of voice it is.
   *
   * @defaultValue told by the names of its files and of its folder
   */
  readonly type?: SherpaTtsType | undefined;
  /**
   * Who speaks, by number, in models of several voices.
   *
   * @defaultValue 0
   */
  readonly speaker?: number | undefined;
  /**
   * How fast, where 1 is the voice's own pace.
   *
   * @defaultValue 1
   */
  readonly speed?: number | undefined;
  /**
   * The text's language as a BCP 47 tag, for finding its sentences and for models of several languages.
   *
   * @defaultValue unknown
   */
  readonly language?: string | undefined;
  /**
   * The file of the vocoder that a `matcha` model needs.
   *
   * @defaultValue one in the model's folder
   */
  readonly vocoderPath?: string | URL | undefined;
  /**
   * Whether the 8-bit variant is used where the folder has both.
   *
   * @defaultValue true
   */
  readonly quantized?: boolean | undefined;
  /**
   * Cores that one clause uses. More speak sooner, and take them from other sessions.
   *
   * @defaultValue 1
   */
  readonly numThreads?: number | undefined;
  /**
   * What onnxruntime runs on, such as `cuda` where the package was built for it.
   *
   * @defaultValue "cpu"
   */
  readonly provider?: string | undefined;
}
