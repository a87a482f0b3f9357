/** Kinds of models; `streaming-transducer` is a Zipformer that listens along. */
export type SherpaSttType =
  "moonshine" | "whisper" | "sense-voice" | "transducer" | "streaming-transducer";

/** Options of {@link createSherpaStt}. */
export interface SherpaSttOptions {
  /** The folder that a model's archive unpacks to; a relative path begins at the working directory. */
  readonly modelPath: string | URL;
  /**
   * What kind of model it is.
   *
   * @defaultValue told by the names of its files and of its folder
   */
  readonly type?: SherpaSttType | undefined;
  /**
   * The language that is spoken, as `en`, for models that know several.
   *
   * @defaultValue the model guesses
   */
  readonly language?: string | undefined;
  /**
   * Whether the 8-bit variant is used where the folder has both: faster and smaller, a little less
   * exact.
   *
   * @defaultValue true
   */
  readonly quantized?: boolean | undefined;
  /**
   * Cores that one recognition uses. More answer sooner, and take them from other sessions.
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
