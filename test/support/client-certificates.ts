import { execFileSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** PEM, with the files that it stands in. */
export interface IssuedCertificate {
  readonly cert: string;
  readonly key: string;
  readonly certFile: string;
  readonly keyFile: string;
  /** As RFC 8705 section 3.1 has it. */
  readonly thumbprint: string;
}

export interface CertificateWish {
  /** As openssl has it: `/C=DE/CN=robot`; two values of one part: `/OU=a+CN=b`. */
  readonly subject?: string;
  /** As in `URI:spiffe://acme/robot,DNS:robot.example`. */
  readonly san?: string;
  /** `clientAuth` by default; empty: no extension. */
  readonly usage?: string;
  /** When it is valid, as in `20200101000000Z`. */
  readonly from?: string;
  readonly to?: string;
}

export interface TestAuthority {
  readonly ca: string;
  readonly caFile: string;
  issue(wish?: CertificateWish): Promise<IssuedCertificate>;
  /** PEM of a certificate of the authority with the same name and key, and these dates. */
  renewed(dates: Required<Pick<CertificateWish, 'from' | 'to'>>): Promise<string>;
}

/** Authorities and certificates by openssl, in a folder that is removed at the end. */
export interface CertificateWorkshop {
  /** @param extension one more, as openssl has it */
  authority(name: string, extension?: string): Promise<TestAuthority>;
  selfSigned(wish?: CertificateWish): Promise<IssuedCertificate>;
  remove(): Promise<void>;
}

interface SignWish extends CertificateWish {
  /** File of the key of an authority, when the certificate is one of an authority. */
  readonly authorityKey?: string;
}

const openssl = (...args: readonly string[]): void => {
  execFileSync('openssl', [...args], { stdio: ['ignore', 'ignore', 'pipe'] });
};

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-utf8', '-multivalue-rdn'];
const longLife = { from: '20000101000000Z', to: '20991231235959Z' };

export const openCertificateWorkshop = async (): Promise<CertificateWorkshop> => {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-certs-'));
  let made = 0;
  const next = (ending: string): string => join(folder, `${made}.${ending}`);

  const toIssued = async (): Promise<IssuedCertificate> => {
    const [certFile, keyFile] = [next('pem'), next('key')];
    const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
    const { fingerprint256 } = new X509Certificate(cert);
    const thumbprint = Buffer.from(fingerprint256.replaceAll(':', ''), 'hex').toString('base64url');
    return { cert, key, certFile, keyFile, thumbprint };
  };

  /** `x509 -req` of old versions knows no dates, so the small CA of openssl is used. */
  const sign = async (
    { subject = '/CN=robot', san, usage = 'clientAuth', from, to, authorityKey }: SignWish,
    signer: readonly string[],
  ): Promise<void> => {
    const key =
      authorityKey === undefined ? [...newKey, '-keyout', next('key')] : ['-new', '-key', authorityKey];
    openssl('req', '-subj', subject, ...key, '-out', next('csr'));
    const extensions = [
      `basicConstraints=CA:${authorityKey === undefined ? 'FALSE' : 'TRUE'}`,
      ...(usage === '' ? [] : [`extendedKeyUsage=${usage}`]),
      ...(san === undefined ? [] : [`subjectAltName=${san}`]),
    ];
    await writeFile(next('index'), '');
    await writeFile(
      next('cnf'),
      [
        '[ca]\ndefault_ca=own\n[own]',
        `database=${next('index')}`,
        `new_certs_dir=${folder}`,
        'default_md=sha256\npolicy=any\nunique_subject=no\nrand_serial=yes\nemail_in_dn=yes\npreserve=yes',
        `[any]\n[ext]\n${extensions.join('\n')}\n`,
      ].join('\n'),
    );
    const dates = ['-startdate', from ?? longLife.from, '-enddate', to ?? longLife.to];
    const files = ['-in', next('csr'), '-out', next('pem'), '-notext', '-batch', '-utf8', '-multivalue-rdn'];
    openssl('ca', '-config', next('cnf'), ...files, ...dates, '-extensions', 'ext', '-preserveDN', ...signer);
  };

  return {
    authority: async (name, extension) => {
      made += 1;
      const [caFile, caKey] = [next('ca.pem'), next('ca.key')];
      const self = [
        '-x509',
        '-days',
        '36500',
        '-subj',
        `/CN=${name}`,
        ...(extension === undefined ? [] : ['-addext', extension]),
      ];
      openssl('req', ...self, ...newKey, '-keyout', caKey, '-out', caFile);
      return {
        ca: await readFile(caFile, 'utf8'),
        caFile,
        issue: async (wish = {}) => {
          made += 1;
          await sign(wish, ['-cert', caFile, '-keyfile', caKey]);
          return toIssued();
        },
        renewed: async (dates) => {
          made += 1;
          const wish = { ...dates, subject: `/CN=${name}`, usage: '', authorityKey: caKey };
          await sign(wish, ['-selfsign', '-keyfile', caKey]);
          return readFile(next('pem'), 'utf8');
        },
      };
    },
    selfSigned: async (wish = {}) => {
      made += 1;
      await sign(wish, ['-selfsign', '-keyfile', next('key')]);
      return toIssued();
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};
