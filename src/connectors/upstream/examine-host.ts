import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';
import { connect, type TLSSocket } from 'node:tls';
import type { Clock } from '../../clock.ts';
import { definedOnly } from '../../defined-only.ts';
import type { SourceFinding } from '../connector.ts';
import type { Peer } from './transport.ts';

const dayMs = 86_400_000;
const expiryWarningDays = 30;

/** Examines the name of an upstream's host, its certificate, and the expiry of that. Never rejects. */
export const examineHost = async (
  origin: string,
  peer: Peer,
  clock: Clock,
): Promise<readonly SourceFinding[]> => {
  const { hostname, port, protocol } = new URL(origin);
  const host = hostname.replace(/^\[|\]$/g, '');
  const about = `${origin}: `;
  const findings: SourceFinding[] = [];
  if (isIP(host) === 0) {
    const addresses = await lookup(host, { all: true }).catch(() => []);
    if (addresses.length === 0)
      return [
        {
          verdict: 'problem',
          about: `${about}name`,
          message: `${host} cannot be resolved. Correct the host in the tenant's file, or the DNS of this machine.`,
        },
      ];
    const shown = addresses.map(({ address }) => address).join(', ');
    findings.push({ verdict: 'ok', about: `${about}name`, message: `${host} is ${shown}.` });
  }
  if (protocol === 'https:')
    findings.push({
      ...(await examineCertificate(host, port === '' ? 443 : Number(port), { peer, clock })),
      about: `${about}TLS`,
    });
  return findings;
};

type Verdict = Omit<SourceFinding, 'about'>;

const examineCertificate = async (
  host: string,
  port: number,
  { peer, clock }: { readonly peer: Peer; readonly clock: Clock },
): Promise<Verdict> => {
  try {
    return expiryOf(await validTo(host, port, peer), clock);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException; // what node:tls rejects with
    return { verdict: 'problem', message: `${message}. ${adviceFor(code)}` };
  }
};

const validTo = (host: string, port: number, { tls, timeoutMs }: Peer): Promise<string> =>
  new Promise((resolve, reject) => {
    const name = tls.serverName ?? (isIP(host) === 0 ? host : undefined);
    const socket: TLSSocket = connect(
      {
        host,
        port,
        ...definedOnly({ servername: name, ca: tls.ca }),
        ...(tls.cert === undefined ? {} : { cert: tls.cert, key: tls.key }),
      },
      () => {
        resolve(socket.getPeerCertificate().valid_to);
        socket.destroy();
      },
    );
    socket.setTimeout(timeoutMs, () => socket.destroy(new Error(`no answer within ${timeoutMs} ms`)));
    socket.on('error', reject);
  });

const expiryOf = (date: string, clock: Clock): Verdict => {
  const days = Math.floor((Date.parse(date) - clock.now()) / dayMs);
  return days < expiryWarningDays
    ? {
        verdict: 'warning',
        message: `The certificate is good for ${days} more days. Have those who run the provider renew it.`,
      }
    : { verdict: 'ok', message: `The certificate is trusted, and good for ${days} more days.` };
};

/** Undefined when the host answered. */
export const adviceForOutage = (error: unknown): string | undefined => {
  const cause = error instanceof Error ? error.cause : undefined;
  const code =
    typeof cause === 'object' && cause !== null && 'code' in cause ? String(cause.code) : undefined;
  return code === undefined || code.startsWith('OAUTH_') ? undefined : adviceFor(code);
};

const adviceFor = (code: string | undefined): string => {
  switch (code) {
    case 'CERT_HAS_EXPIRED':
      return 'Have those who run the provider renew its certificate, or check the clock of this machine.';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'Use the name in the certificate, or set "tls.serverName" to it.';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'Set "tls.ca" to the certificate of the authority that signed it.';
    case 'ECONNREFUSED':
      return 'Nothing listens there: check host and port.';
    default:
      return 'Check that this machine can reach it: host, port, firewall.';
  }
};
