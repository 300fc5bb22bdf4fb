// Envoy, `ext_authz` over HTTP: its request has the method and the host of the original request, and the original path
// behind that of the endpoint (`path_prefix`).
import { claimedHost, forwardedScheme, readOriginalRequest } from './original-request.ts';
import type { ProxyDialect } from './proxy-dialect.ts';

export const extAuthz: ProxyDialect = {
  name: 'ext-authz',
  appendsPath: true,
  readOriginal: (req, appended) =>
    readOriginalRequest(req, {
      claimsIn: ({ forwarded, original }) => [
        {
          method: req.method,
          host: claimedHost(req.headers.host || undefined, forwardedScheme(req) ?? req.publicScheme),
          target: appended || undefined,
        },
        forwarded,
        original,
      ],
      missing: 'The path of the request must follow the path of this endpoint',
    }),
  answers: {
    // with `failure_mode_allow` Envoy allows every request on a 5xx
    unavailableStatus: 403,
    // Envoy passes on a header of the client unless the answer names it. The other proxies take `Authorization` from
    // the answer, where it is absent.
    removalHeader: 'x-envoy-auth-headers-to-remove',
  },
};
