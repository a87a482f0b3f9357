import { once } from "node:events";
import { createServer } from "node:http";
import type { Server } from "node:http";
import type { AddressInfo } from "node:net";

/** A request that a {@link CarrierApiStandIn} got. */
export interface ApiRequest {
  readonly method: string;
  readonly path: string;
  readonly authorization: string;
  readonly body: string;
}

/** Plays a carrier's HTTP API: notes what is asked, and answers with a status. */
export class CarrierApiStandIn {
  readonly requests: ApiRequest[] = [];
  /** What is answered. */
  status = 204;
  readonly #server: Server;

  private constructor() {
    this.#server = createServer((incoming, outgoing) => {
      let body = "";
      incoming.on("data", (data: Buffer) => (body += data.toString()));
      incoming.on("end", () => {
        const { method = "", url: path = "", headers } = incoming;
        this.requests.push({ method, path, authorization: headers.authorization ?? "", body });
        outgoing.writeHead(this.status).end();
      });
    });
  }

  static async start(): Promise<CarrierApiStandIn> {
    const api = new CarrierApiStandIn();
    api.#server.listen(0, "127.0.0.1");
    await once(api.#server, "listening");
    return api;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
