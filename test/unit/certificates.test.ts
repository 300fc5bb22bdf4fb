// Names in certificates, the authorities that issue them, and the headers in which proxies pass them on.
import { X509Certificate } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createCertificateTrust, hasName } from '../../src/crypto/certificates.ts';
import { type CertificateNameKind, faultOfCertificateName } from '../../src/protocol/certificate-name.ts';
import { readDistinguishedName } from '../../src/protocol/distinguished-name.ts';
import { type CertificateHeaderForm, readCertificateHeader } from '../../src/web/certificate-header.ts';
import {
  type CertificateWish,
  type CertificateWorkshop,
  openCertificateWorkshop,
  type TestAuthority,
} from '../support/client-certificates.ts';

const now = Date.UTC(2030, 0, 1);
let workshop: CertificateWorkshop;
let authority: TestAuthority;

beforeAll(async () => {
  workshop = await openCertificateWorkshop();
  authority = await workshop.authority('Acme Clients');
});
afterAll(() => workshop.remove());

const issue = async (wish: CertificateWish): Promise<X509Certificate> =>
  new X509Certificate((await authority.issue(wish)).cert);

describe('the subject of a certificate', () => {
  // openssl writes the least specific part first, RFC 4514 the most specific one
  const subject = '/C=DE/DC=acme/O=Acme, Inc\\+Söhne \\/ "x"/OU=b+UID=a/CN= robot #1';
  const written = 'CN=\\ robot #1,OU=b+UID=a,O=Acme\\, Inc\\+S\\C3\\B6hne / \\"x\\",DC=acme,C=DE';

  it.each([
    ['as openssl writes it', written],
    [
      'with other names of the types, and spaces between the parts',
      'cn=\\20robot #1, OU=b+ 0.9.2342.19200300.100.1.1=a, organizationName=Acme\\2c Inc\\2BSöhne / \\22x\\22, dc=acme, 2.5.4.6=DE',
    ],
    ['with a part of two values in the other order', written.replace('OU=b+UID=a', 'UID=a+OU=b')],
  ])('is the same name %s', async (_name, value) => {
    expect(hasName(await issue({ subject }), { kind: 'subject_dn', value })).toBe(true);
  });

  it.each([
    ['in the order of Node', 'C=DE,DC=acme,O=Acme\\, Inc\\+Söhne / \\"x\\",OU=b+UID=a,CN=\\ robot #1'],
    ['without one of its parts', written.replace(',DC=acme', '')],
    ['with two parts in place of one of two values', written.replace('OU=b+UID=a', 'OU=b,UID=a')],
    ['in other letters', written.replace('robot', 'Robot')],
    ['with one value that looks like two parts', 'CN=\\ robot #1\\,OU=b,O=x'],
  ])('is another name %s', async (_name, value) => {
    expect(hasName(await issue({ subject }), { kind: 'subject_dn', value })).toBe(false);
  });

  it('cannot pretend to have parts, by line ends and commas in a value', async () => {
    const forged = await issue({ subject: '/CN=x\nO=Acme,O=Acme' });
    expect(hasName(forged, { kind: 'subject_dn', value: 'CN=x,O=Acme' })).toBe(false);
    expect(hasName(forged, { kind: 'subject_dn', value: 'O=Acme,CN=x' })).toBe(false);
    expect(hasName(forged, { kind: 'subject_dn', value: 'CN=x\\0AO=Acme\\,O=Acme' })).toBe(true);
  });

  it.each([
    ['/CN=robot', 'write it as'],
    ['CN=robot,', 'write it as'],
    ['CN=', 'without a value'],
    ['CN=robot ,O=Acme', 'space at the end'],
    ['CN=#04024869', 'hexadecimal'],
    ['CN=a;O=b', 'unescaped'],
    ['CN="a"', 'unescaped'],
    ['CN=\\zz', 'unescaped'],
    ['CN=\\FF', 'UTF-8'],
    ['CN=\\00', 'zero byte'],
    ['nonsense=1', 'not known'],
  ])('is not guessed: %s', (text, words) => {
    expect(readDistinguishedName(text)).toMatchObject({ ok: false, message: expect.stringContaining(words) });
  });
});

describe('the alternative names of a certificate', () => {
  const san =
    'DNS:robot.acme.example,DNS:*.wild.example,URI:spiffe://acme/robot?a=1;b,URI:urn:x,IP:10.0.0.1,IP:::1,email:r@acme.example';
  it.each<[CertificateNameKind, string, boolean]>([
    ['san_dns', 'ROBOT.acme.example', true],
    ['san_dns', 'acme.example', false],
    ['san_dns', 'x.wild.example', false],
    ['san_dns', 'common.example', false],
    ['san_uri', 'spiffe://acme/robot?a=1;b', true],
    ['san_uri', 'spiffe://acme/robot', false],
    ['san_uri', 'urn:x', true],
    ['san_ip', '0:0:0:0:0:0:0:1', true],
    ['san_ip', '10.0.0.2', false],
    ['san_email', 'r@acme.example', true],
    ['san_email', 'subject@acme.example', false],
  ])('%s %s: %s', async (kind, value, expected) => {
    const certificate = await issue({ subject: '/CN=common.example/emailAddress=subject@acme.example', san });
    expect(hasName(certificate, { kind, value })).toBe(expected);
  });

  it.each<[CertificateNameKind, string]>([
    ['san_dns', '.acme.example'],
    ['san_dns', '*.acme.example'],
    ['san_dns', '10.0.0.1'],
    ['san_uri', 'no uri'],
    ['san_ip', '10.0.0.0/8'],
    ['san_email', 'acme.example'],
  ])('are not written as %s %s', (kind, value) => {
    expect(faultOfCertificateName({ kind, value })).toMatch(/^is not /);
  });
});

describe('the authorities of a tenant', () => {
  const judge = (certificate: X509Certificate, at = now) =>
    createCertificateTrust(authority.ca).judge(certificate, at);

  it('trust what they issued for clients, within its dates', async () => {
    const wish = { from: '20291231235959Z', to: '20300101000001Z' };
    const certificate = await issue(wish);
    expect(judge(certificate)).toBe('trusted');
    expect(judge(certificate, now - 2000)).toBe('expired');
    expect(judge(certificate, now + 2000)).toBe('expired');
    expect(judge(await issue({ usage: '' }))).toBe('trusted');
  });

  it('trust by each of their certificates that is valid, when it was renewed with the same key', async () => {
    const certificate = await issue({});
    const old = await authority.renewed({ from: '20200101000000Z', to: '20291231235959Z' });
    const renewed = await authority.renewed({ from: '20291201000000Z', to: '20400101000000Z' });
    for (const pem of [old + renewed, renewed + old]) {
      const { judge } = createCertificateTrust(pem);
      expect(judge(certificate, Date.UTC(2025, 0, 1))).toBe('trusted');
      expect(judge(certificate, now)).toBe('trusted');
      expect(judge(certificate, Date.UTC(2041, 0, 1))).toBe('expired');
    }
    expect(createCertificateTrust(old).judge(certificate, now)).toBe('expired');
  });

  it('do not trust servers, other authorities of the same name, self-signed ones, nor themselves', async () => {
    const other = await workshop.authority('Acme Clients');
    expect(judge(await issue({ usage: 'serverAuth' }))).toBe('untrusted');
    expect(judge(new X509Certificate((await other.issue()).cert))).toBe('untrusted');
    expect(judge(new X509Certificate((await workshop.selfSigned()).cert))).toBe('untrusted');
    expect(judge(new X509Certificate(authority.ca))).toBe('untrusted');
  });
});

describe('the header of a proxy', () => {
  let pem: string;
  let der: string;
  beforeAll(async () => {
    const certificate = await issue({ san: 'DNS:robot.acme.example' });
    pem = certificate.toString();
    der = certificate.raw.toString('base64');
  });
  const read = (form: CertificateHeaderForm, value: string) =>
    readCertificateHeader(form, value)?.raw.toString('base64');

  it('is read in the form of each proxy', () => {
    expect(read('rfc9440', `:${der}:`)).toBe(der);
    expect(read('nginx', encodeURIComponent(pem))).toBe(der);
    expect(read('haproxy', der)).toBe(der);
    expect(
      read('envoy', `By=spiffe://x;Hash=ab;Cert="${encodeURIComponent(pem)}";Subject="CN=a,O=\\"b\\""`),
    ).toBe(der);
    expect(read('traefik', `${der},${der}`)).toBe(der);
    expect(read('traefik', encodeURIComponent(der))).toBe(der);
  });

  it('may say that there is none', () => {
    expect(read('rfc9440', '::')).toBeUndefined();
    expect(read('nginx', '')).toBeUndefined();
    expect(read('envoy', 'Hash=ab;Subject="CN=a"')).toBeUndefined();
  });

  it('is refused when it cannot be read, or has more than one certificate', () => {
    const escaped = encodeURIComponent(pem);
    const wrong: readonly [CertificateHeaderForm, string][] = [
      ['rfc9440', der],
      ['rfc9440', `:${der}:, :${der}:`],
      ['rfc9440', `:${der.slice(0, -8)}:`],
      ['nginx', `${escaped}, ${escaped}`],
      ['nginx', encodeURIComponent(pem + pem)],
      ['nginx', der],
      ['nginx', '%zz'],
      ['haproxy', `${der}, ${der}`],
      ['haproxy', 'x'],
      ['envoy', `Cert="${escaped}",Cert="${escaped}"`],
      ['envoy', `Cert="${escaped}";Cert="${escaped}"`],
      ['envoy', `Subject="a";Cert=${escaped}"`],
      ['traefik', 'x'],
      ['traefik', `${der}, ${der}`],
      ['traefik', `${encodeURIComponent(der)}, ${encodeURIComponent(der)}`],
    ];
    for (const [form, value] of wrong) expect(() => read(form, value)).toThrow();
  });
});
