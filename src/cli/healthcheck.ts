import { request } from 'node:https';
import { isIP, isIPv6 } from 'node:net';
import type { Command } from 'commander';
import type { ServerSettings } from '../config/server/server-settings.ts';
import { type CliContext, contextOf, requireSettings } from './context.ts';
import { CommandFailure } from './exit.ts';

const timeoutMs = 5000;

export const addHealthcheck = (program: Command): void => {
  program
    .command('healthcheck')
    .description('ask the server of these settings whether it is well; for containers')
    .option('--ready', 'whether it wants requests, instead of whether it lives')
    .action((options: { readonly ready?: boolean }, command: Command) =>
      healthcheck(contextOf(command), options.ready ?? false),
    );
};

const healthcheck = async (context: CliContext, isReadiness: boolean): Promise<void> => {
  const { settings } = requireSettings(context);
  const { url, status, body } = await askHealth(settings, isReadiness ? '/readyz' : '/healthz');
  context.printResult({ url, status, answer: body }, () => [`${url} answers ${status}.`]);
  if (status !== 200) throw new CommandFailure(`The server is not well: ${JSON.stringify(body)}`);
};

export interface Health {
  readonly url: string;
  readonly status: number;
  readonly body: unknown;
}

/**
 * Asks the management listener if there is one.
 * @throws CommandFailure when no server answers
 */
export const askHealth = async (
  { server, tls, management }: Pick<ServerSettings, 'server' | 'tls' | 'management'>,
  path: '/healthz' | '/readyz',
): Promise<Health> => {
  const isManaged = management.port !== 0;
  const { host, port } = isManaged ? management : server;
  const isTls = !isManaged && tls !== undefined;
  const url = `${isTls ? 'https' : 'http'}://${reachable(host)}:${port}${path}`;
  try {
    return { url, ...(isTls ? await getWithTls(url, server.publicUrl) : await get(url)) };
  } catch {
    throw new CommandFailure(
      `No server answers at ${url}. Start the server with \`npm start\`, or correct its port.`,
    );
  }
};

type Answer = Pick<Health, 'status' | 'body'>;

const get = async (url: string): Promise<Answer> => {
  const response = await fetch(url, { signal: AbortSignal.timeout(timeoutMs), redirect: 'manual' });
  return { status: response.status, body: await response.json() };
};

/** The certificate is for the public host, not for the address; who answers on this machine is no question here. */
const getWithTls = (url: string, publicUrl: string): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const { hostname } = new URL(publicUrl);
    const options = {
      rejectUnauthorized: false,
      ...(isIP(hostname) === 0 && !hostname.startsWith('[') ? { servername: hostname } : {}),
      signal: AbortSignal.timeout(timeoutMs),
    };
    request(url, options, (response) => {
      const chunks: Buffer[] = [];
      response.on('data', (chunk: Buffer) => void chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        try {
          resolve({
            status: response.statusCode ?? 0,
            body: JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown,
          });
        } catch (error) {
          reject(error as Error);
        }
      });
    })
      .once('error', reject)
      .end();
  });

/** An address that means "all addresses of this machine" cannot be connected to. */
const reachable = (host: string): string => {
  if (host === '0.0.0.0') return '127.0.0.1';
  if (host === '::') return '[::1]';
  return isIPv6(host) ? `[${host}]` : host;
};
