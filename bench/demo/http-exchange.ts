import { type Agent, type IncomingHttpHeaders, request as requestHttp } from 'node:http';
import { request as requestHttps } from 'node:https';

export interface Exchange {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly text: string;
}

export interface ExchangeOptions {
  readonly method?: 'GET' | 'POST';
  readonly headers?: Readonly<Record<string, string>>;
  /** Sent as a form. */
  readonly form?: Readonly<Record<string, string>>;
  readonly agent?: Agent;
}

/** One request and its whole answer; redirects are not followed. Rejects when there is none within 30 seconds. */
export const exchange = (url: URL, options: ExchangeOptions = {}): Promise<Exchange> =>
  new Promise((resolve, reject) => {
    const { form, agent } = options;
    const body = form === undefined ? undefined : new URLSearchParams(form).toString();
    const send = url.protocol === 'https:' ? requestHttps : requestHttp;
    const request = send(url, {
      method: options.method ?? (body === undefined ? 'GET' : 'POST'),
      timeout: 30_000,
      headers: {
        ...(body === undefined
          ? {}
          : {
              'Content-Type': 'application/x-www-form-urlencoded',
              'Content-Length': Buffer.byteLength(body),
            }),
        ...options.headers,
      },
      ...(agent === undefined ? {} : { agent }),
    });
    request.once('timeout', () => request.destroy(new Error(`no answer from ${url.origin}${url.pathname}`)));
    request.once('error', reject);
    request.once('response', (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () =>
        resolve({
          status: response.statusCode ?? 0,
          headers: response.headers,
          text: Buffer.concat(chunks).toString('utf8'),
        }),
      );
    });
    request.end(body);
  });
