import { describe, expectTypeOf, it } from "vitest";
import { z } from "zod";

import { ReplyOnPause } from "./handler/reply-on-pause.ts";
import { getContext, getCurrentContext } from "./session/context/context.ts";
import type {
  ContextTypes,
  ContextValue,
  SessionContext,
} from "./session/context/session-context.ts";
import { Stream } from "./stream.ts";
import type { AnyStream } from "./stream.ts";

interface User {
  readonly id: string;
}

const handler = new ReplyOnPause(function* () {
  // Says nothing.
});

describe("the types of a context", () => {
  it("come from the stream's options, without a cast", async () => {
    const stream = new Stream({
      handler,
      modality: "audio",
      authenticate: async (request): Promise<User | undefined> => {
        const id = request.headers.get("x-user");
        return await Promise.resolve(id === null ? undefined : { id });
      },
      params: z.object({ language: z.enum(["de", "en"]).default("en") }),
      additionalInputs: z.object({ speed: z.number().default(1) }),
      state: () => ({ turns: 0, history: [] as string[] }),
    });
    const context = stream.getContext();
    expectTypeOf(context).toBeNullable();
    type Context = NonNullable<typeof context>;
    expectTypeOf<Context["user"]>().toEqualTypeOf<User>();
    expectTypeOf<Context["params"]>().toEqualTypeOf<{ language: "de" | "en" }>();
    expectTypeOf<Context["state"]>().toEqualTypeOf<{ turns: number; history: string[] }>();
    expectTypeOf<ReturnType<typeof stream.getCurrentContext>>().toEqualTypeOf<Context>();
    for (const each of stream.contexts())
      expectTypeOf(each.params.language).toEqualTypeOf<"de" | "en">();
    await stream.close();
  });

  it("are open where nothing is said", async () => {
    const stream = new Stream({ handler, modality: "audio" });
    type Context = NonNullable<ReturnType<typeof stream.getContext>>;
    expectTypeOf<Context["user"]>().toBeUnknown();
    expectTypeOf<Context["params"]>().toBeUnknown();
    expectTypeOf<Context["state"]>().toEqualTypeOf<Record<string, unknown>>();
    expectTypeOf(getContext()).toEqualTypeOf<SessionContext | undefined>();
    await stream.close();
  });

  it("fit a function that takes any stream", async () => {
    interface Counted {
      turns: number;
    }
    const stream = new Stream({
      handler,
      modality: "audio",
      authenticate: (): User => ({ id: "a" }),
      state: (): Counted => ({ turns: 0 }),
    });
    expectTypeOf(stream).toExtend<AnyStream>();
    await stream.close();
  });

  it("can be said to the free functions", () => {
    expectTypeOf(getContext<{ user: User }>()?.user).toEqualTypeOf<User | undefined>();
    expectTypeOf(getCurrentContext<{ state: { n: number } }>)
      .returns.toHaveProperty("state")
      .toEqualTypeOf<{ n: number }>();
  });

  it("can be declared once, as SessionTypes is merged", () => {
    interface Declared extends ContextTypes {
      user: User;
    }
    expectTypeOf<ContextValue<Declared, "user", unknown>>().toEqualTypeOf<User>();
    expectTypeOf<SessionContext<Declared>["user"]>().toEqualTypeOf<User>();
    expectTypeOf<SessionContext<Declared>["params"]>().toBeUnknown();
  });
});
