import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { ServiceDefinition, ServiceTarget } from '../../config/gateway/gateway-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import { type Finding, ok, problem } from './finding.ts';

const timeoutMs = 5000;

/** Calls a service like the built-in proxy: its health path if it has one, or only a connection. */
export const checkService = async ({ name, target }: ServiceDefinition): Promise<readonly Finding[]> => {
  if (target === undefined) return [];
  const about = `service ${name}`;
  try {
    return [
      target.health === undefined
        ? await checkConnection(target, about)
        : await checkHealth(target, { about, path: target.health.path }),
    ];
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException; // what node's sockets fail with
    return [problem(about, `${target.url} cannot be reached: ${message}. ${adviceFor(code)}`)];
  }
};

const checkConnection = async (target: ServiceTarget, about: string): Promise<Finding> => {
  await openConnection(target);
  return ok(about, `${target.url} takes connections`);
};

const checkHealth = async (
  target: ServiceTarget,
  { about, path }: { readonly about: string; readonly path: string },
): Promise<Finding> => {
  const status = await askStatus(`${target.url}${path}`, target);
  return status >= 200 && status < 400
    ? ok(about, `${target.url}${path} answers ${status}`)
    : problem(
        about,
        `${target.url}${path} answers ${status}, so the service gets no requests. See what is wrong with it, or correct target.health.`,
      );
};

/** Resolves when the connection is established, and trusted with https. */
const openConnection = (target: ServiceTarget): Promise<void> =>
  new Promise((resolve, reject) => {
    const { protocol, hostname, port } = new URL(target.url);
    const host = bare(hostname);
    const done = (): void => {
      socket.destroy();
      resolve();
    };
    const socket: Socket =
      protocol === 'https:'
        ? connectTls({ host, port: Number(port || 443), ...tlsOptions(target, host) }, done)
        : connect({ host, port: Number(port || 80) }, done);
    socket.setTimeout(timeoutMs, () => socket.destroy(tooLate()));
    socket.once('error', reject);
  });

const askStatus = (url: string, target: ServiceTarget): Promise<number> =>
  new Promise((resolve, reject) => {
    const { protocol, hostname } = new URL(url);
    const asked =
      protocol === 'https:'
        ? httpsRequest(url, { agent: false, ...tlsOptions(target, bare(hostname)) })
        : httpRequest(url, { agent: false });
    asked.setTimeout(timeoutMs, () => asked.destroy(tooLate()));
    asked.once('error', reject);
    asked.once('response', (response) => {
      response.destroy();
      resolve(response.statusCode ?? 0);
    });
    asked.end();
  });

/** IPv6 addresses have brackets only in URLs. */
const bare = (hostname: string): string => hostname.replace(/^\[|\]$/g, '');

const tlsOptions = ({ tls = {} }: ServiceTarget, host: string) => {
  const { serverName = isIP(host) === 0 ? host : undefined, ca, cert, key } = tls;
  return {
    ...definedOnly({ servername: serverName, ca }),
    ...(cert === undefined || key === undefined ? {} : { cert, key }),
  };
};

const tooLate = (): Error => new Error(`no answer within ${timeoutMs / 1000} s`);

const adviceFor = (code: string | undefined): string => {
  switch (code) {
    case 'ECONNREFUSED':
      return 'Nothing listens there: start the service, or correct its target.';
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return 'Correct the host in its target, or the DNS of this machine.';
    case 'CERT_HAS_EXPIRED':
      return 'Have its certificate renewed, or check the clock of this machine.';
    case 'ERR_TLS_CERT_ALTNAME_INVALID':
      return 'Use the name in its certificate, or set target.tls.serverName to it.';
    case 'SELF_SIGNED_CERT_IN_CHAIN':
    case 'DEPTH_ZERO_SELF_SIGNED_CERT':
    case 'UNABLE_TO_VERIFY_LEAF_SIGNATURE':
    case 'UNABLE_TO_GET_ISSUER_CERT_LOCALLY':
      return 'Set target.tls.ca to the certificate of the authority that signed it.';
    default:
      return 'Check that this machine can reach it: host, port, firewall.';
  }
};
