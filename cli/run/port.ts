/** Ports on the loopback interface. */
import { createServer } from 'node:net';
import { Failure } from '../failure.ts';

/**
 * A port that is free now: the one asked for, or any. Somebody else may take it before QEMU does; then QEMU says so.
 *
 * @throws Failure `port-in-use`
 */
export async function freePort(wanted?: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.on('error', (error: NodeJS.ErrnoException) => {
      reject(
        new Failure({
          code: 'port-in-use',
          message: `port ${wanted} of 127.0.0.1 cannot be used (${error.code ?? error.message})`,
          hint: 'leave --ssh-port out, and a free port is chosen',
        }),
      );
    });
    server.listen(wanted ?? 0, '127.0.0.1', () => {
      const address = server.address();
      const port = typeof address === 'object' && address !== null ? address.port : 0;
      server.close(() => resolve(port));
    });
  });
}
