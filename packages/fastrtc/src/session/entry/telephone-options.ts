import { InvalidOptionError } from "../../errors.ts";
import type { AnnouncedCall, Carrier } from "../../transport/telephone/carrier.ts";

/** A call that has been announced and not been answered yet. */
export interface IncomingCall extends AnnouncedCall {
  /** The carrier's name, such as `twilio`. */
  readonly carrier: string;
  /** The carrier's webhook; its body has been read. */
  readonly request: Request;
}

/** Which carriers may call, and what their sessions are told. */
export interface TelephoneOptions {
  /**
   * The carriers. The first one's routes are `{path}/telephone/incoming` and
   * `{path}/telephone/handler`; each has `{path}/telephone/{name}/incoming` and
   * `{path}/telephone/{name}/handler`.
   */
  readonly carriers: readonly Carrier[];
  /**
   * Chooses the session parameters of a call, before it is answered. They travel through the
   * carrier, which allows a few hundred bytes, and may be read by it: give names, not contents.
   *
   * @defaultValue none
   */
  readonly params?: (
    call: IncomingCall,
  ) => Readonly<Record<string, string>> | Promise<Readonly<Record<string, string>>>;
}

/** What the option `telephone` takes: one carrier, several, or carriers with more to say. */
export type TelephoneOption = Carrier | readonly Carrier[] | TelephoneOptions;

const NAME = /^[a-z0-9-]{1,32}$/;
const ROUTE_NAMES: readonly string[] = ["incoming", "handler"];

/**
 * Checks the option `telephone`, and brings it into its one form.
 *
 * @throws {@link InvalidOptionError} when it has no carriers, or two of one name.
 */
export function checkTelephoneOption(option: TelephoneOption): TelephoneOptions {
  const options = formOf(option);
  const { carriers } = options;
  if (carriers.length === 0) {
    throw new InvalidOptionError("telephone", option, "Give a carrier, such as twilio({ … }).");
  }
  const names = carriers.map(({ name }) => name);
  for (const [index, name] of names.entries()) {
    if (NAME.test(name) && !ROUTE_NAMES.includes(name) && names.indexOf(name) === index) continue;
    throw new InvalidOptionError(
      "telephone.carriers",
      name,
      "Give each carrier its own name of small letters, digits and hyphens: it stands in its routes.",
    );
  }
  return options;
}

function formOf(option: TelephoneOption): TelephoneOptions {
  if ("carriers" in option) return option;
  return { carriers: "wire" in option ? [option] : option };
}
