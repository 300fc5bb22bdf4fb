import { createHash } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';
import { connect, createServer as createTcpServer } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import { eventually } from '../support/eventually.ts';
import { type ProxyOptions, type RunningProxy, startProxy } from '../support/proxy-fixture.ts';
import { sendRaw } from '../support/raw-http.ts';
import { type Service, type ServiceOptions, startService } from '../support/service.ts';

const open: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of open.splice(0).reverse()) await close();
});

const start = async (
  behind: ServiceOptions,
  options: Omit<ProxyOptions, 'target'> = {},
): Promise<{ readonly proxy: RunningProxy; readonly service: Service }> => {
  const service = await startService(behind);
  open.push(() => service.close());
  const proxy = await startProxy({ target: service.url, ...options });
  open.push(() => proxy.close());
  return { proxy, service };
};

const ask = (
  { port, host }: RunningProxy,
  options: { method?: string; headers?: object } = {},
): ClientRequest =>
  request({ port, host: '127.0.0.1', agent: false, ...options, headers: { Host: host, ...options.headers } });

const answerTo = (asked: ClientRequest): Promise<IncomingMessage> =>
  new Promise((resolve, reject) => asked.once('response', resolve).once('error', reject));

const mebibyte = Buffer.alloc(1024 * 1024, 'x');
/** Of bodies, in MiB. */
const size = 256;

/** Of a body, in bytes, that may be on its way at once: what the buffers of all sockets hold. */
const mostUnderWay = 64 * mebibyte.length;

/** Of one body: what its writer gave, and what its reader took. */
const startCount = () => {
  let written = 0;
  let read = 0;
  let highest = 0;
  return {
    wrote: (bytes: number): void => {
      written += bytes;
      highest = Math.max(highest, written - read);
    },
    took: (bytes: number): void => {
      read += bytes;
    },
    mostUnderWay: (): number => highest,
  };
};

const digestOf = async (stream: IncomingMessage, took: (bytes: number) => void): Promise<string> => {
  const hash = createHash('sha256');
  for await (const chunk of stream as AsyncIterable<Buffer>) {
    hash.update(chunk);
    took(chunk.length);
  }
  return hash.digest('hex');
};

const expectedDigest = (): string => {
  const hash = createHash('sha256');
  for (let i = 0; i < size; i += 1) hash.update(mebibyte);
  return hash.digest('hex');
};

const writeAll = async (
  to: { write(chunk: Buffer): boolean; once(event: 'drain', f: () => void): unknown },
  wrote: (bytes: number) => void = () => undefined,
) => {
  for (let i = 0; i < size; i += 1) {
    wrote(mebibyte.length);
    if (!to.write(mebibyte)) await new Promise<void>((resolve) => to.once('drain', resolve));
  }
};

describe('a large body', () => {
  it.each([
    ['of known length', { 'Content-Length': String(size * mebibyte.length) }],
    ['in chunks', { 'Transfer-Encoding': 'chunked' }],
  ])(
    'goes up as it is, %s, and is never held as a whole',
    async (_what, headers) => {
      const count = startCount();
      const { proxy } = await start({
        answer: (req, res) => void digestOf(req, count.took).then((digest) => res.end(digest)),
      });
      const asked = ask(proxy, { method: 'PUT', headers });
      const answered = answerTo(asked);
      await writeAll(asked, count.wrote);
      asked.end();
      let digest = '';
      for await (const chunk of await answered) digest += String(chunk);
      expect(digest).toBe(expectedDigest());
      expect(count.mostUnderWay()).toBeLessThan(mostUnderWay);
    },
    60_000,
  );

  it('comes down as it is, and is never held as a whole', async () => {
    const count = startCount();
    const { proxy } = await start({
      answer: (_req, res) => void writeAll(res, count.wrote).then(() => res.end()),
    });
    const asked = ask(proxy);
    asked.end();
    const digest = await digestOf(await answerTo(asked), count.took);
    expect(digest).toBe(expectedDigest());
    expect(count.mostUnderWay()).toBeLessThan(mostUnderWay);
  }, 60_000);

  it('waits at the service for a client that does not read', async () => {
    let written = 0;
    const { proxy } = await start({
      answer: (_req, res) => {
        const more = (): void => {
          while (written < size) {
            written += 1;
            if (!res.write(mebibyte)) return;
          }
        };
        res.on('drain', more);
        more();
      },
    });
    const client = connect(proxy.port, '127.0.0.1');
    client.pause();
    client.write(`GET / HTTP/1.1\r\nHost: ${proxy.host}\r\n\r\n`);
    let last = -1;
    await eventually(
      'the service stands still',
      () => {
        const stands = written === last && written > 0;
        last = written;
        return stands;
      },
      5000,
    );
    expect(written).toBeLessThan(size / 2);
    client.destroy();
  });
});

describe('a stream of events', () => {
  it('arrives event by event, its head before the first', async () => {
    const turns: (() => void)[] = [];
    const { proxy } = await start({
      answer: (_req, res) => {
        res.writeHead(200, { 'Content-Type': 'text/event-stream' }).flushHeaders();
        turns.push(
          () => res.write('data: first\n\n'),
          () => res.write('data: second\n\n'),
          () => res.end(),
        );
      },
    });
    const asked = ask(proxy);
    asked.end();
    const answer = await answerTo(asked);
    expect(answer.headers['content-type']).toBe('text/event-stream');
    const events: string[] = [];
    turns.shift()?.();
    for await (const chunk of answer) {
      events.push(String(chunk));
      turns.shift()?.();
    }
    expect(events).toEqual(['data: first\n\n', 'data: second\n\n']);
  });

  it('ends at the service when its reader goes', async () => {
    let hasEnded = false;
    const { proxy } = await start({
      answer: (_req, res) => {
        res.once('close', () => {
          hasEnded = true;
        });
        res.write('data: first\n\n');
      },
    });
    const asked = ask(proxy);
    asked.on('error', () => undefined);
    asked.end();
    const answer = await answerTo(asked);
    answer.once('data', () => asked.destroy());
    answer.on('error', () => undefined);
    await eventually('the service knows', () => hasEnded, 3000);
    expect(proxy.logLines().filter(({ level }) => level === 'error' || level === 'warn')).toEqual([]);
  });

  it('is cut when nothing moves for longer than the settings allow', async () => {
    const { proxy } = await start(
      { answer: (_req, res) => res.write('data: first\n\n') },
      { limits: { idleTimeoutMs: 150 } },
    );
    const asked = ask(proxy);
    asked.end();
    const answer = await answerTo(asked);
    await expect(answer.toArray()).rejects.toThrow('aborted');
  });

  it('is not cut as long as something moves', async () => {
    const { proxy } = await start(
      {
        answer: (_req, res) => {
          let count = 0;
          const timer = setInterval(() => {
            count += 1;
            res.write('.');
            if (count === 10) {
              clearInterval(timer);
              res.end();
            }
          }, 50);
        },
      },
      { limits: { idleTimeoutMs: 250 } },
    );
    const asked = ask(proxy);
    asked.end();
    expect(String(Buffer.concat(await (await answerTo(asked)).toArray()))).toBe('.'.repeat(10));
  });
});

describe('a request that comes slowly', () => {
  const slowly = (proxy: RunningProxy, pieces: number): Promise<IncomingMessage> => {
    const asked = ask(proxy, { method: 'POST', headers: { 'Content-Length': String(pieces) } });
    let sent = 0;
    const timer = setInterval(() => {
      sent += 1;
      asked.write('x');
      if (sent === pieces) {
        clearInterval(timer);
        asked.end();
      }
    }, 50);
    return answerTo(asked).finally(() => clearInterval(timer));
  };

  it('may take longer than the listener gives others, when it is for a service', async () => {
    const { proxy } = await start({}, { bodyTimeoutMs: 100, limits: { timeoutMs: 200, idleTimeoutMs: 250 } });
    expect((await slowly(proxy, 12)).statusCode).toBe(200);
  });

  it('is given up when nothing comes for longer than the settings allow: 408', async () => {
    const { proxy, service } = await start({}, { limits: { idleTimeoutMs: 150 } });
    const asked = ask(proxy, { method: 'POST', headers: { 'Content-Length': '10' } });
    asked.write('x');
    const answer = await answerTo(asked);
    expect(answer.statusCode).toBe(408);
    expect(answer.headers['x-error-id']).toBeDefined();
    asked.destroy();
    expect(service.got).toHaveLength(1);
  });

  it('has the time limit of all others when it is refused', async () => {
    const { proxy } = await start({}, { bodyTimeoutMs: 100, decide: () => new Promise(() => undefined) });
    const { status } = await sendRaw(
      proxy.port,
      `POST / HTTP/1.1\r\nHost: ${proxy.host}\r\nContent-Length: 10\r\n\r\nx`,
    );
    expect(status).toBe(408);
  });

  it('waits for a service that does not read, but not for ever: 504', async () => {
    const tcp = createTcpServer((socket) => void socket.pause().on('error', () => undefined));
    await new Promise<void>((resolve) => tcp.listen(0, '127.0.0.1', resolve));
    const { port } = tcp.address() as { readonly port: number }; // it listens on TCP
    const proxy = await startProxy({ target: `http://127.0.0.1:${port}`, limits: { idleTimeoutMs: 300 } });
    const asked = ask(proxy, {
      method: 'POST',
      headers: { 'Content-Length': String(size * mebibyte.length) },
    });
    asked.on('error', () => undefined);
    const answered = answerTo(asked);
    void writeAll(asked);
    expect((await answered).statusCode).toBe(504);
    asked.destroy();
    await proxy.close();
    tcp.close();
  });

  it('ends at the service when its sender goes', async () => {
    let hasEnded = false;
    const { proxy } = await start({
      answer: (req) => {
        req
          .on('error', () => undefined)
          .once('close', () => {
            hasEnded = true;
          });
        req.once('data', () => asked.destroy());
      },
    });
    const asked = ask(proxy, { method: 'POST', headers: { 'Content-Length': '10' } });
    asked.on('error', () => undefined);
    asked.write('x');
    await eventually('the service knows', () => hasEnded, 3000);
  });
});

describe('a request that is announced', () => {
  it('is sent once it is waited for (Expect: 100-continue)', async () => {
    const { proxy, service } = await start({
      answer: (req, res) => void req.toArray().then((chunks) => res.end(Buffer.concat(chunks as Buffer[]))),
    });
    const asked = ask(proxy, { method: 'POST', headers: { Expect: '100-continue', 'Content-Length': '5' } });
    const answered = answerTo(asked);
    asked.flushHeaders();
    await new Promise<void>((resolve) => asked.once('continue', resolve));
    asked.end('hello');
    const answer = await answered;
    expect({ status: answer.statusCode, body: String(Buffer.concat(await answer.toArray())) }).toEqual({
      status: 200,
      body: 'hello',
    });
    expect(service.got[0]?.headers.expect).toBeUndefined();
  });
});

describe('an answer that comes before the request is whole', () => {
  it('is passed on at once', async () => {
    const { proxy } = await start({ answer: (_req, res) => res.writeHead(413).end('too large') });
    const asked = ask(proxy, { method: 'POST', headers: { 'Content-Length': '1000' } });
    asked.on('error', () => undefined);
    asked.write('x');
    const answer = await answerTo(asked);
    expect(answer.statusCode).toBe(413);
    expect(String(Buffer.concat(await answer.toArray()))).toBe('too large');
    asked.destroy();
  });
});

describe('a large body that is refused', () => {
  it('leaves the answer to be read by a client that sends everything first', async () => {
    const { proxy, service } = await start(
      {},
      { decide: () => ({ outcome: 'forbidden', reason: 'no_rule' }) },
    );
    const client = connect(proxy.port, '127.0.0.1').pause();
    open.push(async () => void client.destroy());
    const length = size * mebibyte.length;
    client.write(`PUT / HTTP/1.1\r\nHost: ${proxy.host}\r\nContent-Length: ${length}\r\n\r\n`);
    await writeAll(client);
    client.resume();
    const first = await new Promise((resolve, reject) =>
      client.once('data', resolve).once('error', reject).once('close', reject),
    );
    expect(String(first)).toMatch(/^HTTP\/1\.1 403 /);
    expect(service.got).toEqual([]);
  });
});

describe('many requests at once', () => {
  it('get their own answers', async () => {
    const { proxy } = await start({
      answer: (req, res) => void setTimeout(() => res.end(req.url), Math.abs(Number(req.url?.slice(1)) % 7)),
    });
    const answers = await Promise.all(
      Array.from({ length: 200 }, async (_, index) => {
        const asked = request({
          port: proxy.port,
          host: '127.0.0.1',
          path: `/${index}`,
          headers: { Host: proxy.host },
        });
        asked.end();
        return String(Buffer.concat(await (await answerTo(asked)).toArray()));
      }),
    );
    expect(answers).toEqual(Array.from({ length: 200 }, (_, index) => `/${index}`));
  });
});
