import { describe, expect, it } from "vitest";
import { InvalidOptionError } from "../errors.ts";
import { normalizeMountPath, pathBelow } from "./mount-path.ts";

describe("normalizeMountPath", () => {
  it.each([
    ["", ""],
    ["/", ""],
    ["/voice", "/voice"],
    ["/voice/", "/voice"],
    ["/api/v1.2/my-voice_~", "/api/v1.2/my-voice_~"],
  ])("brings %j into the form %j", (path, expected) => {
    expect(normalizeMountPath(path)).toBe(expected);
  });

  it.each([
    ["voice"],
    ["//voice"],
    ["/voice//"],
    ["/a//b"],
    ["/:id"],
    ["/*"],
    ["/a b"],
    ["/a?b"],
    ["/a#b"],
    ["/a%2fb"],
    ["/../a"],
    ["/a/./b"],
    ["/a/.."],
    ["http://a/b"],
    ["/ü"],
    ["/a\n"],
    [7],
    [undefined],
  ])("refuses %j", (path) => {
    expect(() => normalizeMountPath(path as string)).toThrow(InvalidOptionError);
  });
});

describe("pathBelow", () => {
  it.each([
    ["", "/", "/"],
    ["", "/config", "/config"],
    ["/voice", "/voice", ""],
    ["/voice", "/voice/", "/"],
    ["/voice", "/voice/config", "/config"],
    ["/voice", "/voices", undefined],
    ["/voice", "/", undefined],
  ])("finds below %j in %j the path %j", (mountPath, pathname, expected) => {
    expect(pathBelow(mountPath, pathname)).toBe(expected);
  });
});
