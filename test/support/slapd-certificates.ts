import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Certificate {
  readonly certFile: string;
  readonly keyFile: string;
  /** PEM. */
  readonly cert: string;
  readonly key: string;
}

/** A certificate authority that lives as long as a test. */
export interface CertificateAuthority {
  /** PEM. */
  readonly ca: string;
  readonly caFile: string;
  /** @param subjectAltName as in `IP:127.0.0.1,DNS:directory.test` */
  issue(subjectAltName: string, days?: number): Promise<Certificate>;
  remove(): Promise<void>;
}

const openssl = (...args: readonly string[]): void => {
  execFileSync('openssl', [...args], { stdio: 'ignore' });
};

const newKey = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes'];

export const createCertificateAuthority = async (): Promise<CertificateAuthority> => {
  const folder = await mkdtemp(join(tmpdir(), 'drawbridge-ca-'));
  const caFile = join(folder, 'ca.pem');
  const caKey = join(folder, 'ca.key');
  const self = ['-x509', '-days', '3650', '-subj', '/CN=Test CA'];
  openssl('req', ...self, ...newKey, '-keyout', caKey, '-out', caFile);
  let issued = 0;
  return {
    ca: await readFile(caFile, 'utf8'),
    caFile,
    issue: async (subjectAltName, days = 365) => {
      issued += 1;
      const [certFile, keyFile, request, extensions] = ['pem', 'key', 'csr', 'ext'].map((end) =>
        join(folder, `${issued}.${end}`),
      ) as [string, string, string, string]; // one for each ending
      await writeFile(extensions, `subjectAltName=${subjectAltName}\n`);
      openssl('req', '-subj', `/CN=${issued}`, ...newKey, '-keyout', keyFile, '-out', request);
      const signer = ['-CA', caFile, '-CAkey', caKey, '-CAcreateserial'];
      const validity = ['-days', `${days}`, '-extfile', extensions];
      openssl('x509', '-req', '-in', request, ...signer, ...validity, '-out', certFile);
      const [cert, key] = await Promise.all([readFile(certFile, 'utf8'), readFile(keyFile, 'utf8')]);
      return { certFile, keyFile, cert, key };
    },
    remove: () => rm(folder, { recursive: true, force: true }),
  };
};
