import type { OutgoingHttpHeaders } from 'node:http';
import { request } from 'node:https';
import type { IssuedCertificate } from './client-certificates.ts';

export interface TlsRequest {
  readonly port: number;
  readonly path: string;
  /** Of the server's certificate, PEM. */
  readonly ca: string;
  /** Default: `localhost` with the port. */
  readonly host?: string;
  readonly certificate?: IssuedCertificate | undefined;
  readonly headers?: OutgoingHttpHeaders;
  /** A form; the request is a POST with it. */
  readonly form?: URLSearchParams;
}

/** A connection of its own, with or without a client certificate, to a server on this machine that is named `localhost`. */
export const tlsRequest = ({
  ca,
  certificate,
  form,
  headers,
  host,
  path,
  port,
}: TlsRequest): Promise<Response> =>
  new Promise((resolve, reject) => {
    const body = form?.toString();
    const type = { 'content-type': 'application/x-www-form-urlencoded', 'content-length': body?.length };
    request(
      {
        ...{ host: '127.0.0.1', servername: 'localhost', agent: false, ca, path, port },
        ...(certificate === undefined ? {} : { cert: certificate.cert, key: certificate.key }),
        method: body === undefined ? 'GET' : 'POST',
        headers: { ...headers, host: host ?? `localhost:${port}`, ...(body === undefined ? {} : type) },
      },
      (answer) => {
        const chunks: Buffer[] = [];
        answer.on('data', (chunk: Buffer) => void chunks.push(chunk));
        answer.on('end', () =>
          resolve(
            new Response(Buffer.concat(chunks), {
              status: answer.statusCode ?? 0,
              headers: Object.entries(answer.headers).map(
                ([name, value]) => [name, String(value)] as const,
              ) as [string, string][],
            }),
          ),
        );
      },
    )
      .once('error', reject)
      .end(body);
  });
