import { createPublicKey, X509Certificate } from 'node:crypto';
import { certificateNameKinds } from '../../protocol/certificate-name.ts';
import type { PathFault } from '../parsing/fault.ts';
import type { ClientFile } from './client-schema.ts';

const nameKeys = certificateNameKinds.map((kind) => `tls_client_auth_${kind}` as const);

/** RFC 8705 sections 2 and 3. Paths begin at the client. @param hasAuthorities of the tenant; undefined: not known */
export const checkClientCertificate = (
  client: ClientFile,
  hasAuthorities: boolean | undefined,
): readonly PathFault[] => {
  const faults: PathFault[] = [];
  const fault = (path: PathFault['path'], message: string) => faults.push({ path, message });
  const method = client.token_endpoint_auth_method;
  const [first, ...more] = nameKeys.filter((key) => client[key] !== undefined);
  if (method === 'tls_client_auth') {
    if (first === undefined)
      fault(
        ['token_endpoint_auth_method'],
        `needs the name in the certificate; write one of ${nameKeys.join(', ')}`,
      );
    for (const key of more)
      fault([key], `does not go with ${first}; write one of them alone (RFC 8705 section 2.1.2)`);
    if (hasAuthorities === false)
      fault(
        ['token_endpoint_auth_method'],
        'needs the authority that issues the certificates; write certificates: { ca: file:/path } in the file of the tenant',
      );
  } else if (first !== undefined)
    fault([first], 'is of no use without token_endpoint_auth_method: tls_client_auth; remove it');
  if (method === 'self_signed_tls_client_auth') faults.push(...checkOwnCertificates(client));
  if (client.tls_client_certificate_bound_access_tokens === true) faults.push(...checkBinding(client));
  return faults;
};

const checkOwnCertificates = ({ jwks, jwks_uri: uri }: ClientFile): readonly PathFault[] => {
  if (jwks === undefined)
    return uri === undefined
      ? [
          {
            path: ['jwks'],
            message: 'is missing; self_signed_tls_client_auth needs jwks or jwks_uri, with x5c',
          },
        ]
      : [];
  return jwks.keys.flatMap((key, index) => {
    const message = faultOfCertificateIn(key);
    return message === undefined ? [] : [{ path: ['jwks', 'keys', index, 'x5c'], message }];
  });
};

/** RFC 7517 section 4.7: the key is that of the first certificate. */
const faultOfCertificateIn = (key: Readonly<Record<string, unknown>>): string | undefined => {
  const [der] = Array.isArray(key.x5c) ? (key.x5c as readonly unknown[]) : [];
  if (typeof der !== 'string')
    return 'is missing; write the certificate of the client, DER in base64, as the only entry of a list';
  try {
    const certificate = new X509Certificate(Buffer.from(der, 'base64'));
    return certificate.publicKey.equals(createPublicKey({ key, format: 'jwk' }))
      ? undefined
      : 'is the certificate of another key; write the one of this key';
  } catch {
    return 'is no certificate; write DER in base64, the lines of the PEM file without the first and the last';
  }
};

const checkBinding = ({ dpop_bound_access_tokens: isDpop }: ClientFile): readonly PathFault[] =>
  isDpop === true
    ? [
        {
          path: ['tls_client_certificate_bound_access_tokens'],
          message: 'does not go with dpop_bound_access_tokens; remove one of them',
        },
      ]
    : [];
