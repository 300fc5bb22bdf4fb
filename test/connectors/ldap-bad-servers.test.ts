import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { BerReader, BerWriter } from 'ldapts';
import type { LdapSource } from '../../src/config/source/source-definition.ts';
import { eventually } from '../support/eventually.ts';
import { type LdapBench, openLdapBench } from '../support/ldap-bench.ts';
import { ldapSource } from '../support/slapd-source.ts';

/** What a server does with each request: its id, and the tag of its operation. */
type Behaviour = (socket: Socket, id: number, operation: number) => void;

const operations = { bind: 0x60, search: 0x63 } as const;
const answers = { bind: 0x61, entry: 0x64, done: 0x65, reference: 0x73 } as const;

let server: Server;
let bench: LdapBench;
const sockets = new Set<Socket>();

beforeEach(() => {
  bench = openLdapBench();
});
afterEach(async () => {
  bench.directories.close();
  for (const socket of sockets) socket.destroy();
  server.close();
  await once(server, 'close');
});

/** A server that is no directory: `behave` gets each request. */
const serve = async (behave: Behaviour): Promise<string> => {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => {});
    socket.on('data', (data) => {
      const reader = new BerReader(data);
      reader.readSequence();
      const id = reader.readInt() ?? 0;
      behave(socket, id, reader.peek() ?? 0);
    });
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return `ldap://127.0.0.1:${address.port}`;
};

const message = (id: number, tag: number, write: (writer: BerWriter) => void): Buffer => {
  const writer = new BerWriter();
  writer.startSequence();
  writer.writeInt(id);
  writer.startSequence(tag);
  write(writer);
  writer.endSequence();
  writer.endSequence();
  return Buffer.from(writer.buffer);
};

const result = (id: number, tag: number, code = 0): Buffer =>
  message(id, tag, (writer) => {
    writer.writeEnumeration(code);
    writer.writeString('');
    writer.writeString('');
  });

const entry = (id: number, uid: string): Buffer =>
  message(id, answers.entry, (writer) => {
    writer.writeString(`uid=${uid},dc=example,dc=org`);
    writer.startSequence();
    for (const [name, value] of [
      ['uid', uid],
      ['entryUUID', `id of ${uid}`],
    ] as const) {
      writer.startSequence();
      writer.writeString(name);
      writer.startSequence(0x31);
      writer.writeString(value);
      writer.endSequence();
      writer.endSequence();
    }
    writer.endSequence();
  });

const directory = { baseDn: 'dc=example,dc=org', service: { dn: 'cn=service', password: 'secret' } };

const sourceAt = (url: string, changes: Partial<LdapSource> = {}) => ({
  ...ldapSource({ ...directory, url }, { connectTimeoutMs: 300, operationTimeoutMs: 300, ...changes }),
});

const verifyAt = (url: string, changes?: Partial<LdapSource>) =>
  bench.passwords(sourceAt(url, changes)).verify({ login: 'anna', password: 'anna-Passw0rd' });

const expectUnavailable = async (url: string, changes?: Partial<LdapSource>): Promise<void> => {
  await expect(verifyAt(url, changes)).rejects.toMatchObject({ code: 'unavailable' });
  await eventually('no socket is left', () => sockets.size === 0, 2_000);
};

/** Accepts the service account and answers searches as given. */
const answering =
  (search: (socket: Socket, id: number) => void): Behaviour =>
  (socket, id, operation) => {
    if (operation === operations.bind) socket.write(result(id, answers.bind));
    if (operation === operations.search) search(socket, id);
  };

describe('a server that answers badly', () => {
  it('is a directory when it answers well', async () => {
    const url = await serve(
      answering((socket, id) => socket.write(Buffer.concat([entry(id, 'anna'), result(id, answers.done)]))),
    );
    expect(await verifyAt(url)).toMatchObject({ ok: true, person: { subject: 'id of anna' } });
  });

  it('asks a domain that refuses to tell its names at most once a minute', async () => {
    const refusal = 50; // insufficientAccessRights
    const url = await serve(answering((socket, id) => socket.write(result(id, answers.done, refusal))));
    const passwords = bench.passwords(sourceAt(url, { kind: 'active-directory' }));
    const refusalsAfterSignIn = async (): Promise<number> => {
      const attempt = passwords.verify({ login: 'example\\anna', password: 'anna-Passw0rd' });
      await expect(attempt).rejects.toMatchObject({ code: 'unavailable', isLasting: true });
      return bench.logged.filter((line) => line.includes('NetBIOS')).length;
    };
    expect(await refusalsAfterSignIn()).toBe(1);
    bench.clock.advance(59_999);
    expect(await refusalsAfterSignIn()).toBe(1);
    bench.clock.advance(1);
    expect(await refusalsAfterSignIn()).toBe(2);
    expect(await refusalsAfterSignIn()).toBe(2);
  });

  it('speaks another protocol', async () => {
    await expectUnavailable(await serve((socket) => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')));
  });

  it('hangs up in the middle of an answer', async () => {
    const url = await serve(
      answering((socket, id) => {
        socket.end(entry(id, 'anna').subarray(0, 20));
      }),
    );
    await expectUnavailable(url);
  });

  it('hangs up before it has said that there is no more', async () => {
    await expectUnavailable(await serve(answering((socket, id) => socket.end(entry(id, 'anna')))));
  });

  it('sends an entry that would keep a parser busy for ever', async () => {
    // an attribute whose value ends behind the entry
    const broken = message(2, answers.entry, (writer) => {
      writer.writeString('uid=anna');
      writer.startSequence();
      writer.writeByte(0x30);
      writer.writeByte(0x7f);
      writer.endSequence();
    });
    await expectUnavailable(
      await serve(
        answering((socket, id) => {
          broken[4] = id;
          socket.write(broken);
        }),
      ),
    );
  });

  it('sends entries without end', async () => {
    const before = process.memoryUsage().rss;
    const url = await serve(
      answering((socket, id) => {
        const many = Buffer.concat(Array.from({ length: 2_000 }, (_, at) => entry(id, `person-${at}`)));
        const pour = (): void => {
          while (socket.writable && socket.write(many));
        };
        socket.on('drain', pour);
        pour();
      }),
    );
    await expect(verifyAt(url, { operationTimeoutMs: 10_000 })).rejects.toMatchObject({
      detail: expect.stringContaining('too long'),
    });
    expect(process.memoryUsage().rss - before).toBeLessThan(60 * 1024 * 1024);
  });

  it('sends a thousand entries where two are too many', async () => {
    const url = await serve(
      answering((socket, id) => {
        const many = Array.from({ length: 1_000 }, () => entry(id, 'anna'));
        socket.write(Buffer.concat([...many, result(id, answers.done)]));
      }),
    );
    expect(await verifyAt(url)).toEqual({ ok: false, reason: 'unknown' });
  });

  it.each([
    ['busy', 51],
    ['unavailable', 52],
    ['without time', 3],
    ['faulty itself', 1],
    ['odd', 80],
  ])('says to a search that it is %s, which may pass', async (_, code) => {
    const searching = await serve(answering((socket, id) => socket.write(result(id, answers.done, code))));
    await expect(verifyAt(searching)).rejects.toMatchObject({ code: 'unavailable', isLasting: false });
  });

  it.each([
    [2, 'protocolError'],
    [8, 'strongerAuthRequired'],
    [10, 'referral'],
    [11, 'adminLimitExceeded'],
    [12, 'unavailableCriticalExtension'],
    [13, 'confidentialityRequired'],
    [32, 'noSuchObject'],
    [34, 'invalidDNSyntax'],
    [48, 'inappropriateAuthentication'],
    [50, 'insufficientAccessRights'],
    [53, 'unwillingToPerform'],
  ])('answers a search with %i until a setting is changed', async (code, name) => {
    const url = await serve(answering((socket, id) => socket.write(result(id, answers.done, code))));
    await expect(verifyAt(url)).rejects.toMatchObject({
      code: 'unavailable',
      isLasting: true,
      message: expect.stringContaining(name),
      detail: expect.stringContaining(
        `${url} answered a search below "ou=people,dc=example,dc=org" with code ${code}`,
      ),
    });
  });

  it.each([
    [7, 'authMethodNotSupported'],
    [8, 'strongerAuthRequired'],
    [13, 'confidentialityRequired'],
    [49, 'refuses the account'],
    [53, 'refuses the account'],
  ])('answers the service account with %i until a setting is changed', async (code, words) => {
    let isMended = false;
    const url = await serve((socket, id, operation) => {
      if (operation === operations.bind) socket.write(result(id, answers.bind, isMended ? 0 : code));
      else socket.write(Buffer.concat([entry(id, 'anna'), result(id, answers.done)]));
    });
    const lasting = { isLasting: true, message: expect.stringContaining(words) };
    await expect(verifyAt(url)).rejects.toMatchObject({ ...lasting, detail: expect.stringContaining(url) });
    // also while the server is left alone
    await expect(verifyAt(url)).rejects.toMatchObject(lasting);
    isMended = true;
    bench.clock.advance(60_000);
    expect(await verifyAt(url)).toMatchObject({ ok: true });
  });

  it('is one of two: an outage as long as the other one may come back', async () => {
    const refusing = await serve((socket, id) => socket.write(result(id, answers.bind, 8)));
    for (const urls of [
      [refusing, 'ldap://127.0.0.1:1'],
      ['ldap://127.0.0.1:1', refusing],
    ])
      await expect(verifyAt(refusing, { urls })).rejects.toMatchObject({ isLasting: false });
  });

  it.each([
    [1, false],
    [2, true],
    [8, true],
    [10, true],
    [13, true],
    [51, false],
    [52, false],
    [80, false],
  ])('answers a person’s bind with %i, which is no verdict', async (code, isLasting) => {
    let binds = 0;
    const url = await serve((socket, id, operation) => {
      if (operation === operations.bind) {
        binds += 1;
        socket.write(result(id, answers.bind, binds === 1 ? 0 : code));
      } else socket.write(Buffer.concat([entry(id, 'anna'), result(id, answers.done)]));
    });
    await expect(verifyAt(url)).rejects.toMatchObject({ code: 'unavailable', isLasting });
  });

  it('hangs up on a connection that was idle, which no caller notices', async () => {
    let requests = 0;
    const url = await serve((socket, id, operation) => {
      requests += 1;
      if (requests === 4 || requests === 7) socket.destroy();
      else if (operation === operations.bind) socket.write(result(id, answers.bind));
      else socket.write(Buffer.concat([entry(id, 'anna'), result(id, answers.done)]));
    });
    // the second time, the first search and the first bind of the person are lost
    for (let at = 0; at < 2; at += 1) expect(await verifyAt(url)).toMatchObject({ ok: true });
    expect(requests).toBe(8);
  });

  it('sends people to another server, which is not asked', async () => {
    let visits = 0;
    const other = createServer(() => {
      visits += 1;
    }).listen(0, '127.0.0.1');
    await once(other, 'listening');
    const address = other.address();
    const elsewhere = `ldap://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/dc=example,dc=org`;
    const url = await serve(
      answering((socket, id) => {
        const reference = message(id, answers.reference, (writer) => writer.writeString(elsewhere));
        socket.write(Buffer.concat([reference, result(id, answers.done)]));
      }),
    );
    expect(await verifyAt(url)).toEqual({ ok: false, reason: 'unknown' });
    expect(visits).toBe(0);
    other.close();
  });

  it('answers as slowly as it may, and is given up over all', async () => {
    const url = await serve((socket, id, operation) => {
      setTimeout(() => {
        if (operation === operations.bind) socket.write(result(id, answers.bind));
        else socket.write(Buffer.concat([entry(id, 'anna'), result(id, answers.done)]));
      }, 250);
    });
    const begin = performance.now();
    const groups = { ...ldapSource({ ...directory, url }).groups, from: 'member', nested: 'expand' } as const;
    await expect(verifyAt(url, { groups })).rejects.toMatchObject({
      code: 'unavailable',
      detail: expect.stringContaining('over all'),
    });
    expect(performance.now() - begin).toBeLessThan(1_000);
  });

  it('leaves no socket behind after many tries', async () => {
    const url = await serve((socket) => socket.end('garbage'));
    for (let at = 0; at < 300; at += 1) {
      await expect(verifyAt(url)).rejects.toMatchObject({ code: 'unavailable' });
      bench.clock.advance(60_000);
    }
    expect(bench.directories.size).toBe(0);
    await eventually('no socket is left', () => sockets.size === 0, 2_000);
  });
});
