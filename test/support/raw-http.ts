import { connect } from 'node:net';

export interface RawAnswer {
  /** 0 when the connection was closed without an answer. */
  readonly status: number;
  /** Names in small letters; several of one name joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** As it came, with the marks of chunks if there are any. */
  readonly body: string;
}

/** Sends these bytes as they are and reads until the other side closes: for what no client would send. */
export const sendRaw = (port: number, text: string): Promise<RawAnswer> =>
  new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    const chunks: Buffer[] = [];
    socket.on('data', (chunk) => void chunks.push(chunk));
    // A server that refuses early closes while we still send: what it said before that counts.
    socket.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'ECONNRESET' && error.code !== 'EPIPE') reject(error);
    });
    socket.on('close', () => resolve(parse(Buffer.concat(chunks).toString('latin1'))));
    socket.write(text, 'latin1');
  });

const parse = (answer: string): RawAnswer => {
  const [head = '', ...rest] = answer.split('\r\n\r\n');
  const [first = '', ...lines] = head.split('\r\n');
  const headers: Record<string, string> = {};
  for (const line of lines) {
    const at = line.indexOf(':');
    const name = line.slice(0, at).toLowerCase();
    const value = line.slice(at + 1).trim();
    headers[name] = headers[name] === undefined ? value : `${headers[name]}, ${value}`;
  }
  return { status: Number(first.split(' ')[1] ?? 0), headers, body: rest.join('\r\n\r\n') };
};

export interface RawRequest {
  readonly port: number;
  readonly method?: string;
  /** The request target, as it stands in the first line. */
  readonly target: string;
  /** Lines such as `Host: localhost`; there is none by default. */
  readonly headers?: readonly string[];
  readonly body?: string;
}

/** One request on a connection of its own. */
export const rawRequest = ({
  port,
  method = 'GET',
  target,
  headers = [],
  body = '',
}: RawRequest): Promise<RawAnswer> => {
  const length = body === '' ? [] : [`Content-Length: ${Buffer.byteLength(body)}`];
  const lines = [`${method} ${target} HTTP/1.1`, ...headers, ...length, 'Connection: close'];
  return sendRaw(port, `${lines.join('\r\n')}\r\n\r\n${body}`);
};
