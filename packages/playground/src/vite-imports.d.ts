/** Vite bundles the module for itself and gives its address. */
declare module "*?worker&url" {
  const url: string;
  export default url;
}
