// A stream beside the routes of a Fastify application, WebSockets included.
import fastify from "fastify";
import { host, page, port, voice } from "./voice.ts";

const app = fastify();
app.get("/", (_request, reply) => reply.type("text/html").send(page));
voice.mount(app, "/voice", { page: true });

console.log(await app.listen({ port, host }));
