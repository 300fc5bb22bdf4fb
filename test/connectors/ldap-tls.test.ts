import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import type { LdapSource } from '../../src/config/source/source-definition.ts';
import { type LdapBench, openLdapBench } from '../support/ldap-bench.ts';
import { type Slapd, startSlapd } from '../support/slapd.ts';
import {
  type Certificate,
  type CertificateAuthority,
  createCertificateAuthority,
} from '../support/slapd-certificates.ts';
import { ldapSource } from '../support/slapd-source.ts';

let authority: CertificateAuthority;
let stranger: CertificateAuthority;
let client: Certificate;
let slapd: Slapd;
let bench: LdapBench;

beforeAll(async () => {
  [authority, stranger] = await Promise.all([createCertificateAuthority(), createCertificateAuthority()]);
  client = await authority.issue('DNS:drawbridge.test');
  const certificate = await authority.issue('IP:127.0.0.1,DNS:directory.test');
  slapd = await startSlapd({
    certificate,
    caFile: authority.caFile,
    needsClientCertificate: true,
    needsTls: true,
  });
});
afterAll(async () => {
  await slapd.stop();
  await Promise.all([authority.remove(), stranger.remove()]);
});
beforeEach(() => {
  bench = openLdapBench();
});
afterEach(() => bench.directories.close());

const trusted = () => ({ ca: authority.ca, cert: client.cert, key: client.key });

const modes = () => [
  { urls: [slapd.ldapsUrl], startTls: false },
  { urls: [slapd.url], startTls: true },
];

const verify = (changes: Partial<LdapSource>) =>
  bench.passwords(ldapSource(slapd, changes)).verify({ login: 'anna', password: 'anna-Passw0rd' });

describe.each([0, 1])('a directory behind TLS (0: ldaps, 1: StartTLS): %i', (mode) => {
  const changes = (tls: LdapSource['tls']) => ({ ...modes()[mode], tls });

  it('is used, on connections that are used again', async () => {
    const source = changes(trusted());
    const connections = new Set<string>();
    const lines = await slapd.during(async () => {
      for (let at = 0; at < 5; at += 1) expect(await verify(source)).toMatchObject({ ok: true });
      await Promise.all(Array.from({ length: 40 }, () => verify(source)));
    });
    for (const line of lines) connections.add(/conn=(\d+)/.exec(line)?.[1] ?? '');
    expect(connections.size).toBeLessThanOrEqual(4);
  });

  /** No outage: it stays so until a certificate or a setting is changed. */
  const expectFault = (tls: LdapSource['tls'], code: string) =>
    expect(verify(changes(tls))).rejects.toMatchObject({
      code: 'unavailable',
      isLasting: true,
      message: expect.stringContaining(code),
      detail: expect.stringContaining(`${modes()[mode]?.urls[0]}`),
    });

  it('is not used when its certificate is by a stranger', async () => {
    await expectFault({ ...trusted(), ca: stranger.ca }, 'SELF_SIGNED_CERT_IN_CHAIN');
    await expectFault({}, 'SELF_SIGNED_CERT_IN_CHAIN');
  });

  it('is not used when its certificate is for another name', async () => {
    const named = { ...trusted(), serverName: 'directory.test' };
    expect(await verify(changes(named))).toMatchObject({ ok: true });
    await expectFault({ ...named, serverName: 'other.test' }, 'ERR_TLS_CERT_ALTNAME_INVALID');
  });

  it('is not used without the client certificate that it asks for', async () => {
    await expect(verify(changes({ ca: authority.ca }))).rejects.toMatchObject({ code: 'unavailable' });
  });
});

describe('a directory whose certificate has expired', () => {
  it('is used again, without a restart, when it has a new one', async () => {
    const old = await authority.issue('IP:127.0.0.1', -1);
    const server = createTlsServer({ cert: old.cert, key: old.key }, (socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    const source = { urls: [`ldaps://127.0.0.1:${port}`], tls: { ca: authority.ca } };
    for (let at = 0; at < 2; at += 1)
      await expect(verify(source)).rejects.toMatchObject({
        isLasting: true,
        message: expect.stringContaining('CERT_HAS_EXPIRED'),
      });
    // the new one is accepted: what fails now is the connection, which may come back
    const renewed = await authority.issue('IP:127.0.0.1');
    server.setSecureContext({ cert: renewed.cert, key: renewed.key });
    bench.clock.advance(60_000);
    await expect(verify(source)).rejects.toMatchObject({ isLasting: false });
    server.close();
  });

  it('is another thing than a port that speaks no TLS', async () => {
    const plain = createServer((socket) => socket.on('error', () => {}).end('no TLS here at all\r\n'));
    await new Promise<void>((resolve) => plain.listen(0, '127.0.0.1', resolve));
    const address = plain.address();
    const port = typeof address === 'object' ? address?.port : undefined;
    await expect(verify({ urls: [`ldaps://127.0.0.1:${port}`], tls: {} })).rejects.toMatchObject({
      isLasting: true,
      detail: expect.stringContaining('speaks TLS'),
    });
    plain.close();
  });
});

describe('StartTLS', () => {
  const startTlsAnswer = Buffer.from('300c02010278070a010004000400', 'hex');
  let server: Server;
  const received: Buffer[] = [];

  const serve = async (answer: (socket: Socket) => void): Promise<string> => {
    received.length = 0;
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.once('data', () => answer(socket));
      socket.on('data', (data) => received.push(data));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return `ldap://127.0.0.1:${address.port}`;
  };
  afterEach(() => {
    server.close();
  });

  const verifyAt = (url: string) =>
    verify({ urls: [url], startTls: true, tls: trusted(), connectTimeoutMs: 300, operationTimeoutMs: 300 });

  it('has an end when the handshake has none', async () => {
    const url = await serve((socket) => socket.write(startTlsAnswer));
    await expect(verifyAt(url)).rejects.toMatchObject({ code: 'unavailable' });
    expect(bench.directories.size).toBe(0);
  });

  it('takes nothing that was slipped in before the handshake', async () => {
    // an answer to the bind that is to come
    const bindAnswer = Buffer.from('300c02010361070a010004000400', 'hex');
    const url = await serve((socket) => socket.write(Buffer.concat([startTlsAnswer, bindAnswer])));
    await expect(verifyAt(url)).rejects.toMatchObject({
      code: 'unavailable',
      detail: expect.stringContaining('between its consent to StartTLS and the handshake'),
    });
  });

  it('sends no password when it is refused', async () => {
    // code 2: protocolError
    const url = await serve((socket) => socket.write(Buffer.from('300c02010278070a010204000400', 'hex')));
    await expect(verifyAt(url)).rejects.toMatchObject({ code: 'unavailable' });
    expect(Buffer.concat(received).toString('latin1')).not.toContain('Passw0rd');
  });
});
