/** What is used of WebAssembly, whose types belong to the DOM, which this package never sees. */

/** The part of the WebAssembly JavaScript interface that is used here. */
export interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object;
  readonly Instance: new (module: object, imports?: object) => { readonly exports: object };
  compile(bytes: Uint8Array): Promise<object>;
}

/** The runtime's WebAssembly. */
export const webAssembly: WebAssemblyApi = (
  globalThis as unknown as { WebAssembly: WebAssemblyApi }
).WebAssembly;
