import { definedOnly } from '../../defined-only.ts';
import { parseUrl } from '../parsing/field-types.ts';

/** The forward proxy for requests to identity providers. */
export interface OutgoingProxy {
  /** `http://` or `https://`, perhaps with user name and password; absent: such requests go out directly. */
  readonly http?: string;
  readonly https?: string;
  /** Hosts as in `NO_PROXY`: a name stands for all names below it too, `*` for every host. */
  readonly except: readonly string[];
}

type Environment = Readonly<Record<string, string | undefined>>;

/** As curl and others read it: small letters first, and a proxy without a scheme is one of http. */
const variable = (env: Environment, name: string): string | undefined => {
  const value = (env[name.toLowerCase()] || env[name])?.trim();
  return value === '' ? undefined : value;
};

const urlIn = (env: Environment, name: string): string | undefined => {
  const value = variable(env, name);
  return value === undefined || /^[a-z0-9+]+:\/\//i.test(value) ? value : `http://${value}`;
};

export const isProxyUrl = (text: string): boolean =>
  /^https?:$/.test(parseUrl(text)?.protocol ?? '') && parseUrl(text)?.pathname === '/';

export type ReadOutgoingProxy =
  | { readonly ok: true; readonly value: OutgoingProxy | undefined }
  /** Names the variable, never its value, which may hold a password. */
  | { readonly ok: false; readonly message: string };

/**
 * The proxy of the settings, or else of the variables `HTTPS_PROXY`, `HTTP_PROXY` and `NO_PROXY`, which other programs
 * on the machine use too.
 */
export const readOutgoingProxy = (
  { proxy, except }: { readonly proxy: string | undefined; readonly except: readonly string[] | undefined },
  env: Environment,
): ReadOutgoingProxy => {
  const https = proxy ?? urlIn(env, 'HTTPS_PROXY');
  const http = proxy ?? urlIn(env, 'HTTP_PROXY');
  for (const [name, url] of [
    ['HTTPS_PROXY', https],
    ['HTTP_PROXY', http],
  ] as const)
    if (url !== undefined && !isProxyUrl(url))
      return {
        ok: false,
        message: `takes its value from ${name}, which is not a proxy; write http://<host>:<port> there, or set server.outgoingProxy`,
      };
  if (https === undefined && http === undefined) return { ok: true, value: undefined };
  const exceptions =
    except ??
    variable(env, 'NO_PROXY')
      ?.split(/[\s,]+/)
      .filter(Boolean) ??
    [];
  return {
    ok: true,
    value: {
      except: exceptions,
      ...definedOnly({ http, https }),
    },
  };
};
