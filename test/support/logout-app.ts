import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';

/** An app that gets logout tokens (OpenID Connect Back-Channel Logout 1.0). */
export interface LogoutApp {
  readonly uri: string;
  /** The logout tokens that came in, in order. */
  readonly tokens: readonly string[];
  /** `performance.now()` of each. */
  readonly cameAt: readonly number[];
  /** What it does from now on: answers with a status, redirects, or says nothing. */
  answer(how: number | 'silence'): void;
  close(): Promise<void>;
}

export const openLogoutApp = async (): Promise<LogoutApp> => {
  const tokens: string[] = [];
  const cameAt: number[] = [];
  let how: number | 'silence' = 200;
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      cameAt.push(performance.now());
      tokens.push(new URLSearchParams(Buffer.concat(chunks).toString()).get('logout_token') ?? '');
      if (how === 'silence') return;
      if (how >= 300 && how < 400) res.setHeader('Location', '/elsewhere');
      res.writeHead(how).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo; // it listens on TCP
  return {
    uri: `http://127.0.0.1:${port}/logout`,
    tokens,
    cameAt,
    answer: (next) => {
      how = next;
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
};
