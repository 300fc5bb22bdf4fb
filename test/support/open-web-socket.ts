import { randomBytes } from 'node:crypto';
import { request } from 'node:http';
import type { Duplex } from 'node:stream';

export interface WebSocketTry {
  /** 101: it is open. */
  readonly status: number;
  /** Sends these bytes and gives as many back. */
  echo(text: string): Promise<string>;
  close(): void;
}

const refused = (status: number): WebSocketTry => ({
  status,
  echo: () => Promise.reject(new Error(`it is not open, but ${status}`)),
  close: () => {},
});

const opened = (socket: Duplex): WebSocketTry => ({
  status: 101,
  echo: (text) =>
    new Promise((resolve, reject) => {
      let got = '';
      socket.on('error', reject);
      socket.on('data', (chunk: Buffer) => {
        got += chunk.toString();
        if (got.length >= text.length) resolve(got);
      });
      socket.write(text);
    }),
  close: () => void socket.destroy(),
});

/** Asks for a WebSocket as a browser does (RFC 6455 section 4.1). */
export const openWebSocket = (asked: {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
}): Promise<WebSocketTry> =>
  new Promise((resolve, reject) => {
    const { port, path } = asked;
    const headers = {
      host: `127.0.0.1:${port}`,
      connection: 'Upgrade',
      upgrade: 'websocket',
      'sec-websocket-version': '13',
      'sec-websocket-key': randomBytes(16).toString('base64'),
      ...asked.headers,
    };
    const question = request({ host: '127.0.0.1', port, path, headers, agent: false });
    question.once('error', reject);
    question.once('upgrade', (_response, socket) => resolve(opened(socket)));
    question.once('response', (response) => {
      response.resume();
      resolve(refused(response.statusCode ?? 0));
    });
    question.end();
  });
