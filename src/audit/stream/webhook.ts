import { createHmac } from 'node:crypto';
import { type Clock, epochSeconds } from '../../clock.ts';
import type { StreamTarget } from './stream-target.ts';

export interface Webhook {
  readonly url: string;
  readonly secret: string;
}

const timeLimitMs = 10_000;

/**
 * Signed as the specification Standard Webhooks has it, with the receiver's secret: HMAC-SHA-256 of `<id>.<timestamp>.<body>`. The
 * address is from the operator's file, so it may be a private one; redirects are not followed.
 */
export const createWebhookTarget = ({ url, secret }: Webhook, clock: Clock): StreamTarget => ({
  name: 'webhook',
  deliver: async ({ tenant, fromSeq, toSeq, lines }, closing) => {
    const id = `audit_${tenant}_${fromSeq}_${toSeq}`;
    const timestamp = epochSeconds(clock);
    const head = { type: 'audit.records', timestamp: new Date(timestamp * 1000).toISOString() };
    const body = `${JSON.stringify(head).slice(0, -1)},"data":{"tenant":${JSON.stringify(tenant)},"records":[${lines.join(',')}]}}`;
    try {
      const response = await fetch(url, {
        method: 'POST',
        headers: {
          'content-type': 'application/json',
          'webhook-id': id,
          'webhook-timestamp': `${timestamp}`,
          'webhook-signature': `v1,${signatureOf(secret, `${id}.${timestamp}.${body}`)}`,
        },
        body,
        redirect: 'manual',
        signal: AbortSignal.any([closing, AbortSignal.timeout(timeLimitMs)]),
      });
      await response.body?.cancel();
      return { isDelivered: response.ok, words: `HTTP ${response.status}` };
    } catch (error) {
      return { isDelivered: false, words: wordsOf(error) };
    }
  },
});

const signatureOf = (secret: string, text: string): string =>
  createHmac('sha256', keyOf(secret)).update(text).digest('base64');

const prefix = 'whsec_';

/** Standard Webhooks writes keys in Base64 behind a prefix; any other secret is taken as it is. */
const keyOf = (secret: string): Buffer =>
  secret.startsWith(prefix) ? Buffer.from(secret.slice(prefix.length), 'base64') : Buffer.from(secret);

/** The message of an error may have the address in it, and this is stored. */
const wordsOf = (error: unknown): string => {
  const { name, cause } = error as { name?: string; cause?: { code?: string } }; // what fetch throws
  return cause?.code ?? name ?? 'unknown';
};
