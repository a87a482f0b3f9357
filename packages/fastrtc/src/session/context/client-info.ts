/** What a session knows of the device that opened it: read from its request, trusted by nobody. */

import Bowser from "bowser";

/** A name and a version, such as Firefox 140.0. */
export interface NamedVersion {
  readonly name: string;
  readonly version: string | undefined;
}

/** Where a session comes from. What a client says of itself may be false. */
export interface ClientInfo {
  /**
   * The client's address; behind a proxy the one that a trusted proxy names, see the option
   * `trustProxy`.
   */
  readonly address: string | undefined;
  /** The `User-Agent` header, as it came; at most 512 characters of it. */
  readonly userAgent: string | undefined;
  readonly browser: NamedVersion | undefined;
  readonly os: NamedVersion | undefined;
  readonly device: DeviceType;
  /** The device's maker and model, where the client names them; browsers have ceased to. */
  readonly vendor: string | undefined;
  readonly model: string | undefined;
}

/** A kind of device. */
export type DeviceType = "desktop" | "mobile" | "tablet" | "tv" | "bot" | "telephone" | "unknown";

/** What the user agent says. */
type Device = Omit<ClientInfo, "address" | "userAgent">;

const MAX_USER_AGENT_LENGTH = 512;
/** How many user agents are remembered; parsing one costs a hundred regular expressions. */
const MAX_REMEMBERED = 256;

const UNKNOWN: Device = {
  browser: undefined,
  os: undefined,
  device: "unknown",
  vendor: undefined,
  model: undefined,
};

const DEVICE_TYPES: readonly string[] = ["desktop", "mobile", "tablet", "tv", "bot"];

const remembered = new Map<string, Device>();

/**
 * Reads what a request tells of its client.
 *
 * @param address - The client's address, as far as it is known.
 */
export function clientInfo(headers: Headers, address: string | undefined): ClientInfo {
  const userAgent = headers.get("user-agent")?.slice(0, MAX_USER_AGENT_LENGTH);
  const device = userAgent === undefined || userAgent === "" ? UNKNOWN : deviceOf(userAgent);
  return Object.freeze({ address, userAgent, ...device });
}

/** What is known of a telephone. */
export function telephoneInfo(address: string | undefined): ClientInfo {
  return Object.freeze({ ...UNKNOWN, address, userAgent: undefined, device: "telephone" });
}

function deviceOf(userAgent: string): Device {
  const known = remembered.get(userAgent);
  if (known) return known;
  const device = parse(userAgent);
  if (remembered.size >= MAX_REMEMBERED) {
    for (const oldest of remembered.keys()) {
      remembered.delete(oldest);
      break;
    }
  }
  remembered.set(userAgent, device);
  return device;
}

function parse(userAgent: string): Device {
  const { browser, os, platform } = Bowser.parse(userAgent);
  const type = platform.type ?? "";
  return {
    browser: named(browser.name, browser.version),
    os: named(os.name, os.versionName ?? os.version),
    device: DEVICE_TYPES.includes(type) ? (type as DeviceType) : "unknown",
    vendor: platform.vendor,
    model: platform.model,
  };
}

function named(name: string | undefined, version: string | undefined): NamedVersion | undefined {
  return name === undefined || name === "" ? undefined : { name, version };
}
