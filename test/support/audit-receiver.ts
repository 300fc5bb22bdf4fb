import { createHmac } from 'node:crypto';
import type { IncomingHttpHeaders } from 'node:http';
import { openReceiver, type Receiver } from './receiver.ts';

export interface Received {
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** As a receiver checks it that has the secret (Standard Webhooks). */
  readonly isSigned: boolean;
  /** Numbers of the records. */
  readonly seqs: readonly number[];
}

/** A system that gets audit records. */
export interface AuditReceiver extends Omit<Receiver, 'port'> {
  readonly url: string;
  /** All requests, in the order in which they came in. */
  readonly requests: readonly Received[];
  /** Numbers of the records that it has taken, in order. */
  readonly taken: readonly number[];
}

export const openAuditReceiver = async (key: Buffer, port = 0): Promise<AuditReceiver> => {
  const requests: Received[] = [];
  const taken: number[] = [];
  const { port: own, ...receiver } = await openReceiver({
    ...{ port, answers: 204, redirectsTo: '/records' },
    took: ({ headers }, body, how) => {
      const text = `${headers['webhook-id']}.${headers['webhook-timestamp']}.${body}`;
      const signature = `v1,${createHmac('sha256', key).update(text).digest('base64')}`;
      const records = JSON.parse(body).data.records as readonly { readonly seq: number }[];
      const seqs = records.map(({ seq }) => seq);
      requests.push({ headers, body, seqs, isSigned: headers['webhook-signature'] === signature });
      if (how !== 'silence' && how < 300) taken.push(...seqs);
    },
  });
  return { url: `http://127.0.0.1:${own}/records`, requests, taken, ...receiver };
};
