/** A real server: `web-server.js BODY PORT [ADDRESS]`. Prints nothing; its parent tells it how to behave. */
import http from 'node:http';
import type { Socket } from 'node:net';

export type ServerMode =
  /** 200, with the body. */
  | { readonly kind: 'ok' }
  | { readonly kind: 'status'; readonly status: number }
  /** 200 after `delayMs`. */
  | { readonly kind: 'slow'; readonly delayMs: number }
  /** Takes connections and requests, and never answers. */
  | { readonly kind: 'hang' }
  /** The port is closed: connections are refused. */
  | { readonly kind: 'closed' };

export type ServerOrder = { readonly order: 'mode'; readonly mode: ServerMode } | { readonly order: 'count' };

export type ServerReport =
  | { readonly event: 'listening' }
  | { readonly event: 'mode' }
  | { readonly event: 'count'; readonly requests: number; readonly connections: number };

const [body, port, address] = process.argv.slice(2);
const text = `${body}\n`;
let mode: ServerMode = { kind: 'ok' };
let requests = 0;
let connections = 0;
const sockets = new Set<Socket>();

function send(report: ServerReport): void {
  // Started by hand it has nobody to report to.
  process.send?.(report);
}

const server = http.createServer((request, response) => {
  requests += 1;
  request.resume();
  const status = mode.kind === 'status' ? mode.status : 200;
  const reply = (): void => {
    response.writeHead(status, { 'content-type': 'text/plain', 'content-length': text.length, connection: 'close' });
    response.end(text);
  };
  if (mode.kind === 'slow') {
    setTimeout(reply, mode.delayMs);
  } else if (mode.kind !== 'hang') {
    reply();
  }
});
server.on('connection', (socket) => {
  connections += 1;
  sockets.add(socket);
  socket.on('close', () => sockets.delete(socket));
});

function listen(then: () => void): void {
  server.listen({ port: Number(port), host: address === '' ? undefined : address, backlog: 1024 }, then);
}

function change(to: ServerMode): void {
  mode = to;
  if (to.kind === 'closed' && server.listening) {
    for (const socket of sockets) {
      socket.resetAndDestroy();
    }
    server.close(() => send({ event: 'mode' }));
  } else if (to.kind !== 'closed' && !server.listening) {
    listen(() => send({ event: 'mode' }));
  } else {
    send({ event: 'mode' });
  }
}

process.on('message', (order: ServerOrder) => {
  if (order.order === 'mode') {
    change(order.mode);
  } else {
    send({ event: 'count', requests, connections });
  }
});
process.on('disconnect', () => process.exit(0));
listen(() => send({ event: 'listening' }));
