/**
 * One process's place in the directory and on the bus, for one stream.
 *
 * It remembers what it carries: after Redis was away, or has lost everything, it tells the directory
 * again. What it could not say meanwhile is said then too.
 */

import { randomUUID } from "node:crypto";

import { InvalidStateError, TransportError } from "../errors.ts";
import type { Timer } from "../media/clock.ts";
import type {
  BackplaneListener,
  BackplaneNode,
  ClaimOutcome,
  SessionClaim,
  SessionRecord,
} from "../session/backplane/backplane.ts";
import * as scripts from "./directory-scripts.ts";
import type { LuaScript } from "./lua-script.ts";
import { NodeRoll } from "./node-roll.ts";
import { OwnSessions } from "./own-sessions.ts";
import type { RedisLink } from "./redis-link.ts";
import type { RedisReply } from "./redis-client.ts";
import type { RedisSettings } from "./redis-options.ts";

/** How a node lives. */
export interface NodeTimes {
  readonly heartbeatMs: number;
  readonly deadAfterMs: number;
  readonly orphanedMs: number;
}

/** Shapes a {@link RedisNode}. */
export interface RedisNodeOptions {
  readonly settings: RedisSettings;
  readonly times: NodeTimes;
  readonly commands: RedisLink;
  readonly subscriber: RedisLink;
  /** What the stream's keys and channels begin with. */
  readonly prefix: string;
  readonly listener: BackplaneListener;
  readonly onLeft: () => void;
}

/** A {@link BackplaneNode} in Redis. */
export class RedisNode implements BackplaneNode {
  readonly id: string = randomUUID();
  readonly #options: RedisNodeOptions;
  readonly #keys: readonly string[];
  readonly #news: string;
  readonly #roll = new NodeRoll();
  readonly #own = new OwnSessions();
  #syncing: Promise<void> | undefined;
  #needsSync = false;
  #listsAreWholeAt = 0;
  #timer: Timer | undefined;
  #state: "joining" | "in" | "left" = "joining";

  constructor(options: RedisNodeOptions) {
    this.#options = options;
    const { prefix } = options;
    this.#keys = ["sessions", "live", "waiting", "nodes"].map((name) => `${prefix}${name}`);
    this.#news = `${prefix}news`;
  }

  /** Tells the others that this process is there. Call it once, before anything else. */
  async join(): Promise<void> {
    const { subscriber } = this.#options;
    await subscriber.subscribe(this.#channelOf(this.id), (text) => this.#onMessage(text));
    await subscriber.subscribe(this.#news, (text) => this.#onNews(text));
    await this.#sync();
    this.#listsAreWholeAt = 0;
    this.#state = "in";
    this.#scheduleBeat();
  }

  async claim(claim: SessionClaim): Promise<ClaimOutcome> {
    const { webrtcId, tokenHash, presentedHash, mayReplace, createdAt, limit } = claim;
    this.#checkIn();
    const args = [
      webrtcId,
      tokenHash,
      String(createdAt),
      Number.isFinite(limit) ? String(limit) : "-1",
      mayReplace ? "1" : "0",
      ...(presentedHash === undefined ? [] : [presentedHash]),
    ];
    // Redis has begun anew, or others took us for dead: we say who we are, and ask again.
    let outcome = await this.#claim(claim, args);
    if (!outcome) {
      await this.#sync();
      outcome = await this.#claim(claim, args);
    }
    if (outcome) return outcome;
    throw new TransportError(
      `Redis at ${this.#options.settings.place} forgot this process twice in a row. Check that nothing evicts or deletes the keys ${this.#options.prefix}*.`,
    );
  }

  async find(webrtcId: string): Promise<SessionRecord | undefined> {
    const reply = (await this.#run(scripts.FIND, [webrtcId])) as [string, string] | null;
    return reply ? recordOf(webrtcId, reply[1], reply[0] === "live") : undefined;
  }

  /** Never rejects: what Redis cannot be told now, it is told when it is back. */
  async release(webrtcId: string, resumableMs: number): Promise<void> {
    const record = this.#own.ended(webrtcId);
    const duration = Math.max(0, Math.ceil(Math.min(resumableMs, Number.MAX_SAFE_INTEGER / 2)));
    try {
      await this.#run(scripts.RELEASE, [webrtcId, String(duration)]);
    } catch {
      this.#needsSync = true;
      if (record === undefined || duration === 0) return;
      this.#own.unsaid(webrtcId, record, this.#options.settings.clock.now() + duration);
    }
  }

  async count(): Promise<number> {
    return Number(await this.#run(scripts.COUNT));
  }

  async send(nodeId: string, message: string): Promise<void> {
    this.#checkIn();
    const { commands, subscriber, settings } = this.#options;
    // The two connections come back one after the other: nobody would hear the answer yet.
    if (!subscriber.isReady) {
      throw new TransportError(`Redis at ${settings.place} cannot be heard; trying again.`);
    }
    const channel = this.#channelOf(nodeId);
    const receivers = await commands.command(["PUBLISH", channel, `${this.id} ${message}`]);
    if (receivers === 0) {
      throw new TransportError("The process that carries the session is gone, or out of reach.");
    }
    this.#roll.heard(nodeId);
  }

  async leave(): Promise<void> {
    if (this.#state === "left") return;
    this.#end();
    const { subscriber } = this.#options;
    // Whoever cannot say good-bye is taken for dead in a while, which frees its place as well.
    await this.#run(scripts.LEAVE).catch(nothing);
    await subscriber.unsubscribe(this.#channelOf(this.id));
    await subscriber.unsubscribe(this.#news);
  }

  /** Stops without a word, as a process does that is killed; for tests. */
  die(): void {
    if (this.#state !== "left") this.#end();
  }

  /** Commands can be sent again after Redis was away. Does nothing before the node has joined. */
  reconnected(): void {
    if (this.#state === "in") this.#sync().catch(nothing);
  }

  #end(): void {
    this.#state = "left";
    this.#timer?.cancel();
    this.#own.clear();
    this.#options.onLeft();
  }

  /** Returns undefined when the directory does not know this node. */
  #claim(claim: SessionClaim, args: readonly string[]): Promise<ClaimOutcome | undefined> {
    return this.#own.claiming(claim.webrtcId, async () => {
      try {
        return this.#onClaim(claim, (await this.#run(scripts.CLAIM, args)) as [string, string?]);
      } catch (error) {
        // Redis may have done it without our hearing of it: the next sync takes it back.
        this.#needsSync = true;
        throw error;
      }
    });
  }

  #onClaim(claim: SessionClaim, [word, text]: [string, string?]): ClaimOutcome | undefined {
    if (word === "unknown") return undefined;
    if (word === "full") return { outcome: "full" };
    const { webrtcId, tokenHash } = claim;
    const record = text === undefined ? undefined : recordOf(webrtcId, text, word === "live");
    if (record && word !== "resumed") return { outcome: "taken", record };
    const createdAt = record?.createdAt ?? claim.createdAt;
    if (this.#state === "in") {
      this.#own.begun(webrtcId, [this.id, createdAt, tokenHash].join(SEPARATOR));
    }
    if (!record) return { outcome: "claimed" };
    return { outcome: "claimed", resumed: { createdAt, owner: record.owner } };
  }

  /** Makes the directory agree with what lives here. One at a time; who asks meanwhile shares it. */
  #sync(): Promise<void> {
    this.#syncing ??= this.#syncOnce().finally(() => (this.#syncing = undefined));
    return this.#syncing;
  }

  async #syncOnce(): Promise<void> {
    this.#checkIn();
    const { settings, times } = this.#options;
    const now = settings.clock.now();
    const asked = this.#roll.ask();
    // The others have to find out as well that Redis was away, and say that they are there.
    this.#listsAreWholeAt = now + times.deadAfterMs;
    this.#needsSync = false;
    try {
      const reply = await this.#run(scripts.SYNC, this.#own.report(now));
      const [lost, nodes] = reply as [string[], string[]];
      for (const webrtcId of this.#own.reported(lost)) {
        settings.logger.warn(
          "Another process took over a session while this one could not reach Redis.",
          { webrtcId },
        );
        this.#tell((listener) => listener.onLost(webrtcId));
      }
      this.#onList(asked, nodes);
    } catch (error) {
      this.#needsSync = true;
      throw error;
    }
  }

  #scheduleBeat(): void {
    if (this.#state !== "in") return;
    const { settings, times } = this.#options;
    this.#timer = settings.clock.setTimeout(() => {
      void this.#beat().finally(() => this.#scheduleBeat());
    }, times.heartbeatMs);
  }

  async #beat(): Promise<void> {
    // The subscriber says nothing by itself: this is how its silence is noticed.
    this.#options.subscriber.command(["PING"]).catch(nothing);
    try {
      if (this.#needsSync) await this.#sync();
      const asked = this.#roll.ask();
      const nodes = (await this.#run(scripts.BEAT)) as string[] | null;
      if (nodes) this.#onList(asked, nodes);
      else await this.#sync();
    } catch {
      // The link has reported it; the next beat, or its coming back, makes it good.
    }
  }

  #onList(asked: number, nodes: readonly string[]): void {
    const isWhole = this.#options.settings.clock.now() >= this.#listsAreWholeAt;
    for (const node of this.#roll.listed(asked, nodes, isWhole)) this.#onGone(node);
  }

  #onNews(text: string): void {
    const [what, node = ""] = text.split(" ");
    if (node === this.id) {
      // We were too slow to say that we live, and have been buried.
      if (what === "gone" && this.#state === "in") this.#sync().catch(nothing);
    } else if (what === "joined") this.#roll.heard(node);
    else if (what === "gone" && this.#roll.left(node)) this.#onGone(node);
  }

  #onGone(node: string): void {
    if (node === this.id) return;
    this.#tell((listener) => listener.onGone(node));
  }

  #onMessage(text: string): void {
    const end = text.indexOf(" ");
    if (end < 0) return;
    const from = text.slice(0, end);
    this.#roll.heard(from);
    this.#tell((listener) => listener.onMessage(from, text.slice(end + 1)));
  }

  #tell(call: (listener: BackplaneListener) => void): void {
    if (this.#state === "left") return;
    try {
      call(this.#options.listener);
    } catch (error) {
      this.#options.settings.logger.error("A listener of the backplane threw.", { error });
    }
  }

  async #run(script: LuaScript, args: readonly string[] = []): Promise<RedisReply> {
    const { commands, times } = this.#options;
    const own = [this.id, String(times.deadAfterMs), String(times.orphanedMs), this.#news];
    return await commands.run(script, this.#keys, [...own, ...args]);
  }

  #channelOf(node: string): string {
    return `${this.#options.prefix}to:${node}`;
  }

  #checkIn(): void {
    if (this.#state === "left") throw new InvalidStateError("This process has left the backplane.");
  }
}

const SEPARATOR = scripts.RECORD_SEPARATOR;

function recordOf(webrtcId: string, text: string, isLive: boolean): SessionRecord {
  const [owner = "", createdAt = ""] = text.split(SEPARATOR, 2);
  const tokenHash = text.slice(owner.length + createdAt.length + 2);
  return { webrtcId, owner, tokenHash, createdAt: Number(createdAt), isLive };
}

function nothing(): void {
  // Somebody else is told.
}
