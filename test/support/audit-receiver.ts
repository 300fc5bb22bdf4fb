import { createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** As a receiver checks it that has the secret (Standard Webhooks). */
  readonly isSigned: boolean;
  /** Numbers of the records. */
  readonly seqs: readonly number[];
}

/** A system that gets audit records. */
export interface AuditReceiver {
  readonly url: string;
  /** All requests, in the order in which they came in. */
  readonly requests: readonly Received[];
  /** Numbers of the records that it has taken, in order. */
  readonly taken: readonly number[];
  /** What it does from now on: answers with a status, or says nothing. */
  answer(how: number | 'silence'): void;
  close(): Promise<void>;
}

export const openAuditReceiver = async (key: Buffer, port = 0): Promise<AuditReceiver> => {
  const requests: Received[] = [];
  const taken: number[] = [];
  let how: number | 'silence' = 204;
  const server = createServer((req, res) => {
    const chunks: Buffer[] = [];
    req.on('data', (chunk: Buffer) => chunks.push(chunk));
    req.on('end', () => {
      const body = Buffer.concat(chunks).toString();
      const { headers } = req;
      const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
      const signature = `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
      const records = JSON.parse(body).data.records as readonly { readonly seq: number }[];
      const seqs = records.map(({ seq }) => seq);
      requests.push({ headers, body, seqs, isSigned: headers['webhook-signature'] === signature });
      if (how === 'silence') return;
      if (how < 300) taken.push(...seqs);
      if (how >= 300 && how < 400) res.setHeader('Location', req.url ?? '/');
      res.writeHead(how).end();
    });
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  const { port: own } = server.address() as AddressInfo; // it listens on TCP
  return {
    url: `http://127.0.0.1:${own}/records`,
    requests,
    taken,
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
