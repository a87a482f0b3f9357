// A stream beside the routes of an Express application, WebSockets included.
import type { AddressInfo } from "node:net";
import express from "express";
import { host, page, port, voice } from "./voice.ts";

const app = express();
app.get("/", (_request, response) => {
  response.send(page);
});
voice.mount(app, "/voice", { page: true });

const server = app.listen(port, host, () => {
  console.log(`http://${host}:${(server.address() as AddressInfo).port}/`);
});
