/** Servers on loopback for tests, on ports that the kernel chooses. */
import { createServer, type Server, type Socket } from 'node:net';

export interface LoopbackServer {
  readonly port: number;
  readonly server: Server;
  /** Connections that are open. */
  readonly sockets: ReadonlySet<Socket>;
  /** Stops listening and destroys what is open. */
  close(): Promise<void>;
}

export interface LoopbackOptions {
  readonly host?: string;
  readonly port?: number;
  readonly connected?: (socket: Socket) => void;
}

/** Connections may be reset by the peer (checks close so): that is no fault of a test. */
export async function listenOnLoopback(options: LoopbackOptions = {}): Promise<LoopbackServer> {
  const { host = '127.0.0.1', port = 0, connected } = options;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.unref());
    socket.on('error', () => {}).on('close', () => sockets.delete(socket));
    connected?.(socket);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    // A test that failed leaves its server behind: it must not keep the whole run from ending.
    server.listen(port, host, resolve).unref();
  });
  return {
    port: (server.address() as { port: number }).port,
    server,
    sockets,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}
