import { renderToString } from "react-dom/server";
import { expect, test } from "vitest";
import { useFastRTC, type UseFastRTCResult } from "./use-fastrtc.ts";

test("renders on a server, idle, touching nothing of the browser's", () => {
  let result: UseFastRTCResult | undefined;
  function Call() {
    result = useFastRTC({ url: "/voice" });
    return (
      <p>
        {result.state} {result.getInputLevel()} {result.outputs.length}
      </p>
    );
  }
  expect(renderToString(<Call />)).toMatch(/idle.*0.*0/);
  expect(result?.getClient()).toBeUndefined();
});
