import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CATALOG } from "../../models/catalog.ts";
import { verify } from "../../models/model-download.ts";
import { models } from "./models.ts";

// The one without a known checksum, so that an archive made here may stand for it.
const NAME = "sherpa-onnx-whisper-tiny.en";

let root: string;
let archive: Buffer;
let server: Server;
let requests: IncomingMessage[];
let respond: (request: IncomingMessage, response: ServerResponse) => void;
let out: string;
let err: string;

function run(...args: string[]): Promise<number | undefined> {
  out = "";
  err = "";
  const io = {
    out: (text: string) => void (out += text),
    err: (text: string) => void (err += text),
  };
  return models.run(args, io);
}

beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), "fastrtc-models-"));
  const made = join(root, "made", NAME);
  mkdirSync(made, { recursive: true });
  writeFileSync(join(made, "tiny.en-encoder.int8.onnx"), "a model, in the name of a test");
  writeFileSync(join(made, "noise"), createHash("sha512").update("x").digest());
  execFileSync("tar", ["-cjf", join(root, "made.tar.bz2"), "-C", join(root, "made"), NAME]);
  archive = readFileSync(join(root, "made.tar.bz2"));
  requests = [];
  respond = sendWhole;
  server = createServer((request, response) => {
    requests.push(request);
    respond(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  vi.stubEnv("FASTRTC_MODELS", join(root, "models"));
  vi.stubEnv("FASTRTC_MODELS_URL", `http://127.0.0.1:${(server.address() as AddressInfo).port}/`);
});
afterEach(() => {
  vi.unstubAllEnvs();
  server.closeAllConnections();
  server.close();
  rmSync(root, { recursive: true, force: true });
});

function sendWhole(request: IncomingMessage, response: ServerResponse): void {
  const start = Number(/^bytes=(\d+)-/.exec(request.headers.range ?? "")?.[1] ?? 0);
  response.writeHead(start > 0 ? 206 : 200, {
    etag: '"version-1"',
    "content-length": archive.length - start,
  });
  response.end(archive.subarray(start));
}

function breakOffAfter(bytes: number): typeof respond {
  return (_request, response) => {
    response.writeHead(200, { etag: '"version-1"', "content-length": archive.length });
    response.write(archive.subarray(0, bytes), () => setTimeout(() => response.destroy(), 50));
  };
}

const folder = (): string => join(root, "models", NAME);

describe("pull", () => {
  it("downloads, unpacks and prints the folder; the archive does not stay", async () => {
    expect(await run("pull", NAME)).toBe(0);
    expect(out).toBe(`${folder()}\n`);
    expect(readFileSync(join(folder(), "tiny.en-encoder.int8.onnx"), "utf8")).toContain("a model");
    expect(requests[0]!.url).toBe(`/asr-models/${NAME}.tar.bz2`);
    expect(err).toMatch(/tar\.bz2: 0\.0 MB of 0\.0 MB/);
    expect(err).toContain("no checksum");
    expect(existsSync(join(root, "models", ".downloads", `${NAME}.tar.bz2`))).toBe(false);
  });

  it("takes a part of a name, and asks for nothing that is here", async () => {
    await run("pull", "whisper");
    expect(await run("pull", "whisper")).toBe(0);
    expect(out).toBe(`${folder()}\n`);
    expect(requests).toHaveLength(1);
  });

  it("goes on where it broke off", async () => {
    respond = breakOffAfter(100);
    expect(await run("pull", NAME)).toBe(1);
    expect(err).toMatch(/The download from 127\.0\.0\.1.* failed.*the next attempt goes on/s);
    expect(existsSync(folder())).toBe(false);
    respond = sendWhole;
    expect(await run("pull", NAME)).toBe(0);
    expect(requests[1]!.headers).toMatchObject({ range: "bytes=100-", "if-range": '"version-1"' });
    expect(existsSync(join(folder(), "noise"))).toBe(true);
  });

  it("begins again when the file has changed meanwhile", async () => {
    respond = breakOffAfter(100);
    await run("pull", NAME);
    respond = (_request, response) => {
      response
        .writeHead(200, { etag: '"version-2"', "content-length": archive.length })
        .end(archive);
    };
    expect(await run("pull", NAME)).toBe(0);
  });

  it("says where to look when the server does not have it", async () => {
    respond = (_request, response) => response.writeHead(404).end();
    expect(await run("pull", NAME)).toBe(1);
    expect(err).toMatch(/answered 404 .*Look at https:\/\/github\.com\/k2-fsa/);
  });

  it("says what to do without a network, and takes an archive from elsewhere", async () => {
    server.close();
    expect(await run("pull", NAME)).toBe(1);
    expect(err).toMatch(/ECONNREFUSED.*Without a network: download .* --from <file>/s);
    expect(await run("pull", NAME, "--from", join(root, "made.tar.bz2"))).toBe(0);
    expect(existsSync(join(folder(), "noise"))).toBe(true);
  });

  it("keeps nothing of what is not the published file", async () => {
    const moonshine = "sherpa-onnx-moonshine-tiny-en-int8";
    expect(await run("pull", moonshine)).toBe(1);
    expect(err).toMatch(/not the published file.*SHA-256/s);
    expect(existsSync(join(root, "models", moonshine))).toBe(false);
    expect(existsSync(join(root, "models", ".downloads", `${moonshine}.tar.bz2.part`))).toBe(false);
  });

  it("keeps nothing of what cannot be unpacked", async () => {
    archive = Buffer.from("this is no archive, but a page that says that there is none");
    expect(await run("pull", NAME)).toBe(1);
    expect(err).toMatch(/tar cannot unpack it/);
    expect(existsSync(folder())).toBe(false);
  });

  it("puts files beside an archive into its folder", async () => {
    expect(await run("pull", "matcha")).toBe(0);
    expect(
      existsSync(join(root, "models", "matcha-icefall-en_US-ljspeech", "vocos-22khz-univ.onnx")),
    ).toBe(true);
  });
});

describe("path", () => {
  it("prints the folder, or how to get the model", async () => {
    expect(await run("path", NAME)).toBe(1);
    expect(err).toContain(`fastrtc models pull ${NAME}`);
    await run("pull", NAME);
    expect(await run("path", NAME)).toBe(0);
    expect(out).toBe(`${folder()}\n`);
  });
});

describe("list", () => {
  it("shows each model, and which are here", async () => {
    await run("pull", NAME);
    expect(await run("list")).toBe(0);
    expect(out.split("\n").filter(Boolean)).toHaveLength(CATALOG.length);
    expect(out).toMatch(/sherpa-onnx-whisper-tiny\.en +stt +en +113 MB +MIT .* here\n/);
    expect(out).toMatch(/kokoro-en-v0_19 +tts .*voices\n/);
  });
});

it("says what is wrong with a call", async () => {
  await expect(run("pull")).rejects.toThrow(/name of the model/);
  await expect(run("push", NAME)).rejects.toThrow(/"list", "pull <name>"/);
  await expect(run("pull", "nothing-like-it")).rejects.toThrow(/Give one of sherpa-onnx-moonshine/);
  await expect(run("pull", "kokoro")).rejects.toThrow(/kokoro-en-v0_19/);
});

it("a checksum that fits lets a file stay", async () => {
  const file = join(root, "made.tar.bz2");
  const sha256 = createHash("sha256").update(archive).digest("hex");
  await verify(file, { url: "http://127.0.0.1/x", bytes: archive.length, sha256 });
  expect(existsSync(file)).toBe(true);
});
