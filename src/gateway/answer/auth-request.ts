// nginx, `auth_request`: a subrequest with `X-Original-*` headers that the operator's configuration sets.
import { readOriginalRequest } from './original-request.ts';
import type { ProxyDialect } from './proxy-dialect.ts';

export const authRequest: ProxyDialect = {
  name: 'auth-request',
  appendsPath: false,
  readOriginal: (req) =>
    readOriginalRequest(req, {
      claimsIn: ({ original, forwarded }) => [
        { ...original, host: original.host ?? forwarded.host },
        forwarded,
      ],
      missing:
        'The proxy must send X-Original-Method and X-Original-URL (or X-Original-URI and X-Forwarded-Host)',
    }),
  // nginx passes on 401 and 403, and makes a 500 of any other status; `error_page` makes a redirect of the 401
  answers: { redirectStatus: 401, throttledStatus: 403 },
};
