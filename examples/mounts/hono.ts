// A stream beside the routes of a Hono application on Node, WebSockets included.
import { serve } from "@hono/node-server";
import { Hono } from "hono";
import { host, page, port, voice } from "./voice.ts";

const app = new Hono();
app.get("/", (context) => context.html(page));
voice.mount(app, "/voice", { page: true });

serve({ fetch: app.fetch, port, hostname: host }, (address) => {
  console.log(`http://${host}:${address.port}/`);
});
