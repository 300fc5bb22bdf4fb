import { definedOnly } from '../../defined-only.ts';
import type { ServerFile } from './server-schema.ts';
import type { CertificateForm, ClientCertificateSettings } from './server-settings.ts';

const usualHeaders: Readonly<Record<CertificateForm, string>> = {
  rfc9440: 'client-cert',
  nginx: 'x-ssl-client-cert',
  haproxy: 'x-ssl-client-cert',
  envoy: 'x-forwarded-client-cert',
  traefik: 'x-forwarded-tls-client-cert',
};

interface Fault {
  /** `clientCertificates.from` */
  readonly name: string;
  readonly message: string;
}

/** Headers that mean something else to Drawbridge. */
const takenHeaders =
  /^(?:authorization|connection|content-.*|cookie|expect|forwarded|host|origin|te|transfer-encoding|upgrade|x-api-.*|x-auth-.*|x-drawbridge-.*|x-forwarded-(?:for|host|method|port|prefix|proto|uri)|x-id-tenant-name|x-original-.*|x-request-id)$/;

export const checkClientCertificates = ({
  clientCertificates: { from, header, port, url },
  tls,
  server,
}: Pick<ServerFile, 'clientCertificates' | 'tls' | 'server'>): readonly Fault[] => {
  const fault = (key: string, message: string): Fault => ({
    name: `clientCertificates.${key}`,
    message,
  });
  const isHeader = from !== 'none' && from !== 'tls';
  return [
    ...(from === 'tls' && tls.cert === undefined
      ? [
          fault(
            'from',
            'is tls, but this server has no TLS; write tls.cert and tls.key, or the form of the proxy in front',
          ),
        ]
      : []),
    ...(isHeader && server.trustedProxies.length === 0
      ? [fault('from', `is ${from}, but no proxy is trusted to set that header; write server.trustedProxies`)]
      : []),
    ...(header !== undefined && !isHeader
      ? [fault('header', `is of no use with from: ${from}; remove it`)]
      : []),
    ...(header !== undefined && takenHeaders.test(header)
      ? [fault('header', 'is a header that means something else; write one such as X-SSL-Client-Cert')]
      : []),
    ...(port !== 0 && from !== 'tls' ? [fault('port', `is of no use with from: ${from}; remove it`)] : []),
    ...(port !== 0 && from === 'tls' && url === undefined
      ? [
          fault(
            'url',
            'is missing; write the URL of clientCertificates.port, where clients find the endpoints',
          ),
        ]
      : []),
    ...(url !== undefined && from === 'none'
      ? [fault('url', 'is of no use without clientCertificates.from; add that, or remove it')]
      : []),
    ...(url !== undefined && url === server.publicUrl
      ? [fault('url', 'is publicUrl; remove it, or write the other host or port')]
      : []),
    ...(url?.startsWith('http:') === true && server.publicUrl?.startsWith('https:') === true
      ? [fault('url', 'is http, which has no certificates; write https://…')]
      : []),
  ];
};

export const toClientCertificateSettings = ({
  from,
  header,
  port,
  url,
}: ServerFile['clientCertificates']): ClientCertificateSettings | undefined => {
  if (from === 'none') return undefined;
  if (from === 'tls') return { from, ...(port === 0 ? {} : { port }), ...definedOnly({ url }) };
  return { from, header: header ?? usualHeaders[from], ...definedOnly({ url }) };
};
