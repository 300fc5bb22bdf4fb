import { generateKeyPairSync, type KeyObject } from 'node:crypto';
import tls from 'node:tls';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type Certificate, createCertificateAuthority } from '../support/slapd-certificates.ts';
import { tenantTexts } from '../support/tenant-texts.ts';

const pemOf = (key: KeyObject, type: 'pkcs1' | 'pkcs8' | 'sec1'): string =>
  key.export({ type, format: 'pem' } as { type: 'pkcs8'; format: 'pem' }).toString(); // the types ask for the kind of key first

const rsa = (modulusLength: number): KeyObject => generateKeyPairSync('rsa', { modulusLength }).privateKey;
const ec = (namedCurve: string): KeyObject => generateKeyPairSync('ec', { namedCurve }).privateKey;

let authority: Awaited<ReturnType<typeof createCertificateAuthority>>;
let own: Certificate;
let other: Certificate;
beforeAll(async () => {
  authority = await createCertificateAuthority();
  own = await authority.issue('DNS:drawbridge.test');
  other = await authority.issue('DNS:other.test');
});
afterAll(() => authority.remove());

const verifier = ['id: legacy', 'type: http', 'url: https://old.example.com/check'];
const partner = ['id: partner', 'type: oidc', 'issuer: https://id.example.com', 'clientId: drawbridge'];

const texts = () =>
  tenantTexts({
    '/ca.pem': authority.ca,
    '/etc/pki/tls/certs/ca-bundle.crt': authority.ca,
    '/chain.pem': `${own.cert}${authority.ca}`,
    '/cert.pem': own.cert,
    '/key.pem': own.key,
    '/other.key': other.key,
    '/none.pem': 'no certificate',
    '/broken.pem': '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n',
    '/two-lines': 'one\ntwo',
  });

describe('tls of a source', () => {
  it('is read where the file points', () => {
    const written =
      'tls: { ca: file:/ca.pem, cert: file:/chain.pem, key: file:/key.pem, serverName: ldap.internal }';
    const read = texts().source('http', ...verifier, written).tls;
    expect(read.ca).toContain('-----BEGIN CERTIFICATE-----');
    expect(read.cert?.match(/BEGIN CERTIFICATE/g)).toHaveLength(2);
    expect(read.key).toContain('PRIVATE KEY-----');
    expect(read.serverName).toBe('ldap.internal');
  });

  it('may be the list of the operating system', () => {
    const { ca } = texts().source('http', ...verifier, 'tls: { ca: system }').tls;
    // where Node can read the system's list itself, no file is read
    const isRead = 'getCACertificates' in tls;
    if (isRead) expect(ca).toContain('-----BEGIN CERTIFICATE-----');
    else expect(ca).toBe(authority.ca);
  });

  it('may have certificates in place, and no keys', () => {
    const inPlace = (pem: string) =>
      pem
        .trimEnd()
        .split('\n')
        .map((line) => `      ${line}`);
    const { source, sourceFaults } = texts();
    const lines = ['tls:', '  ca: |', ...inPlace(authority.ca)];
    expect(source('http', ...verifier, ...lines).tls.ca).toContain('-----BEGIN CERTIFICATE-----');
    const withKey = ['tls:', '  cert: file:/cert.pem', '  key: |', ...inPlace(own.key)];
    expect(sourceFaults(...verifier, ...withKey)).toEqual([
      'tls.key: is written out; write a reference, env:NAME or file:/path (only demo tenants hold secrets)',
    ]);
  });

  it.each([
    [
      'ca: file:/none.pem',
      'tls.ca: is no certificate in PEM; write file:/path of one that begins with -----BEGIN CERTIFICATE-----, or system',
    ],
    [
      'ca: file:/broken.pem',
      'tls.ca: is no certificate in PEM; write file:/path of one that begins with -----BEGIN CERTIFICATE-----, or system',
    ],
    ['ca: file:/key.pem', 'tls.ca: holds a private key; write the certificates alone'],
    [
      'ca: file:/absent.pem',
      'tls.ca: refers to the file /absent.pem, which cannot be read (ENOENT); create it or change its rights',
    ],
    ['cert: file:/cert.pem', 'tls.key: is missing; a certificate needs its private key, as file:/path'],
    ['key: file:/key.pem', 'tls.cert: is missing; a private key needs its certificate, as file:/path'],
    [
      'cert: file:/cert.pem, key: file:/cert.pem',
      'tls.key: is no private key in PEM; write file:/path of one without a pass phrase',
    ],
    [
      'cert: file:/cert.pem, key: file:/other.key',
      'tls.key: is not the key of the certificate in cert; write the one that it was made with',
    ],
    [
      'serverName: "https://x"',
      'tls.serverName: is not a host name; write the name that is in the certificate, without scheme and port',
    ],
  ])('is refused with %s', (inner, message) => {
    expect(texts().sourceFaults(...verifier, `tls: { ${inner} }`)).toEqual([message]);
  });
});

describe('a secret of a source', () => {
  it('is one line', () => {
    expect(texts().sourceFaults(...verifier, 'secret: file:/two-lines')).toEqual([
      'secret: holds a line end or another control character; write the secret alone',
    ]);
  });

  it('may stand in the file of a demo tenant', () => {
    const text = `demo: true\nsources:\n  - { ${verifier.join(', ')}, secret: hunter2 }\n`;
    expect(texts().define(text).sources).toMatchObject([{ secret: 'hunter2' }]);
  });
});

describe('the key of a client', () => {
  const keyOf = (pem: string, more = '') => {
    const { source, sourceFaults } = tenantTexts({ '/client.pem': pem });
    const lines = [...partner, `privateKey: { pem: file:/client.pem${more} }`];
    return { key: () => source('oidc', ...lines), faults: () => sourceFaults(...lines) };
  };

  it.each([
    ['RS256', 'pkcs1', () => rsa(2048)],
    ['ES256', 'sec1', () => ec('P-256')],
    ['ES384', 'pkcs8', () => ec('P-384')],
    ['ES512', 'pkcs8', () => ec('P-521')],
    ['EdDSA', 'pkcs8', () => generateKeyPairSync('ed25519').privateKey],
  ] as const)('signs with %s, if it is one for that, in %s', (alg, form, make) => {
    expect(keyOf(pemOf(make(), form)).key()).toMatchObject({
      clientAuthMethod: 'private_key_jwt',
      privateKey: { alg, pem: expect.stringContaining('-----BEGIN PRIVATE KEY-----') },
    });
  });

  it('may have its algorithm and its id given', () => {
    expect(keyOf(pemOf(rsa(2048), 'pkcs8'), ', alg: PS256, kid: one').key()).toMatchObject({
      privateKey: { alg: 'PS256', kid: 'one' },
    });
  });

  it.each([
    [
      'a short key',
      () => pemOf(rsa(1024), 'pkcs8'),
      '',
      /^privateKey\.pem: is a key that no algorithm of ours signs with; /,
    ],
    [
      'a key of another curve',
      () => pemOf(ec('secp256k1'), 'pkcs8'),
      '',
      /^privateKey\.pem: is a key that no algorithm of ours signs with; /,
    ],
    [
      'another algorithm',
      () => pemOf(ec('P-256'), 'pkcs8'),
      ', alg: RS256',
      /^privateKey\.alg: does not fit the key; write one of ES256, or leave it out$/,
    ],
    ['no key', () => own.cert, '', /^privateKey\.pem: is no private key in PEM; /],
    [
      'a locked key',
      () =>
        rsa(2048).export({ type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase: 'x' }).toString(),
      '',
      /^privateKey\.pem: is no private key in PEM; /,
    ],
  ])('is refused with %s', (_what, pem, more, words) => {
    expect(keyOf(pem(), more).faults()).toEqual([expect.stringMatching(words)]);
  });
});
