import type { Client, ErrorOut, KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../../clock.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import type { Look, PageModels, PageName, Pages } from '../../web/pages.ts';
import { newErrorId, type Problem, problemBody, problemHeaders } from '../../web/problem.ts';
import { keptDescription, readDeviceDescription } from '../grants/device-description.ts';
import { accountClientId } from './clients.ts';
import { retryAfterOf } from './errors.ts';
import type { MethodsOf } from './protocol-methods.ts';
import type { ProviderRequest } from './provider-request.ts';

/** The pages that the provider itself has to show, in the design of our pages. */
export interface ProviderPages {
  error(ctx: KoaContextWithOIDC, out: ErrorOut, error: Error): void;
  deviceInfo(ctx: KoaContextWithOIDC): Record<string, unknown>;
  userCodeInput(ctx: KoaContextWithOIDC, out: ErrorOut | undefined, error: Error | undefined): void;
  userCodeConfirm(ctx: KoaContextWithOIDC, confirmation: UserCodeConfirmation): void;
  deviceDone(ctx: KoaContextWithOIDC): void;
  logout(ctx: KoaContextWithOIDC): Promise<void>;
  signedOut(ctx: KoaContextWithOIDC): void;
  /** The answer to a path that the library does not know, or not with this method. */
  unrouted(ctx: KoaContextWithOIDC): void;
}

export interface UserCodeConfirmation {
  readonly client: Client;
  readonly info: Record<string, unknown>;
  readonly userCode: string;
}

export interface ProviderPagesParts {
  readonly definition: TenantDefinition;
  readonly issuer: string;
  readonly pages: Pages;
  readonly clock: Clock;
  readonly log: Log;
  readonly methodsOf: MethodsOf;
  readonly factsOf: (ctx: KoaContextWithOIDC) => ProviderRequest;
  readonly usernameOf: (ctx: KoaContextWithOIDC, sub: string) => Promise<string | undefined>;
}

interface Explained {
  readonly description: string;
}

type UserCodeProblem = NonNullable<PageModels['device-code']['problem']>;

/** Names of the library's own errors, which it does not export. */
const userCodeProblems: Readonly<Record<string, UserCodeProblem>> = {
  NoCodeError: 'missing',
  NotFoundError: 'unknown',
  ExpiredError: 'expired',
  AlreadyUsedError: 'used',
  AbortedError: 'aborted',
  TooManyRequests: 'throttled',
};

export const createProviderPages = (parts: ProviderPagesParts): ProviderPages => {
  const { definition, issuer, pages } = parts;
  const look = (ctx: KoaContextWithOIDC): Look => ({
    locale: parts.factsOf(ctx).locale,
    tenant: { id: definition.id, displayName: definition.displayName, branding: definition.branding },
  });
  const show = <N extends PageName>(ctx: KoaContextWithOIDC, name: N, model: PageModels[N]): void => {
    ctx.type = 'html';
    ctx.set('Cache-Control', 'no-store');
    ctx.body = pages.render(name, model, look(ctx));
  };
  /** The provider's own guard of its forms (`xsrf`), kept in the session. */
  const xsrfOf = (ctx: KoaContextWithOIDC): string => String(ctx.oidc.session?.state?.secret ?? '');

  const error: ProviderPages['error'] = (ctx, out, cause) => {
    // a refusal that was logged already keeps its id
    const errorId = ctx.response.get('x-error-id') || newErrorId();
    const retryAfterSeconds = retryAfterOf(cause);
    const problem = {
      status: ctx.status,
      code: out.error,
      errorId,
      ...definedOnly({ description: out.error_description, retryAfterSeconds }),
    };
    ctx.set(problemHeaders(problem));
    parts.log[ctx.status >= 500 ? 'error' : 'info'](
      {
        errorId,
        tenant: definition.id,
        requestId: parts.factsOf(ctx).requestId,
        route: ctx.oidc?.route,
        error: out.error,
        ...(ctx.status >= 500 ? { err: cause } : { detail: out.error_description }),
      },
      'an error page was shown',
    );
    show(ctx, 'error', { ...problem, homeUrl: issuer });
  };

  const refuse = (ctx: KoaContextWithOIDC, problem: Omit<Problem, 'errorId'> & Explained): void => {
    const { status, code, description } = problem;
    ctx.status = status;
    const out = { error: code, error_description: description };
    if (ctx.accepts('json', 'html') === 'html') {
      error(ctx, out, new Error(description));
      return;
    }
    const errorId = newErrorId();
    const { requestId } = parts.factsOf(ctx);
    parts.log.info({ errorId, tenant: definition.id, requestId, status, error: code }, description);
    ctx.set({ ...problemHeaders({ ...problem, errorId }), 'Cache-Control': 'no-store' });
    ctx.body = problemBody({ ...problem, errorId });
  };

  return {
    error,
    unrouted: (ctx) => {
      const methods = parts.methodsOf(ctx.path);
      if (methods === undefined) {
        refuse(ctx, { status: 404, code: 'not_found', description: 'There is nothing at this address' });
        return;
      }
      const allowed = methods.join(', ');
      ctx.set('Allow', allowed);
      // OPTIONS that is no preflight (RFC 9110 section 9.3.7)
      if (ctx.method === 'OPTIONS' && methods.includes('OPTIONS')) {
        ctx.status = 204;
        return;
      }
      const description = `This address answers ${allowed}, not ${ctx.method}`;
      refuse(ctx, { status: 405, code: 'method_not_allowed', description });
    },
    deviceInfo: (ctx) => ({
      address: parts.factsOf(ctx).address,
      userAgent: ctx.get('user-agent').slice(0, 200),
      requestedAt: parts.clock.now(),
      ...readDeviceDescription(ctx.oidc.params ?? {}),
    }),
    userCodeInput: (ctx, _out, problem) => {
      const kind = problem === undefined ? undefined : (userCodeProblems[problem.name] ?? 'other');
      if (kind === 'aborted') {
        show(ctx, 'device-done', { clientName: nameOf(ctx.oidc.client), outcome: 'refused' });
        return;
      }
      const retryAfterSeconds = retryAfterOf(problem);
      if (retryAfterSeconds !== undefined) ctx.set('Retry-After', String(retryAfterSeconds));
      show(ctx, 'device-code', {
        action: ctx.oidc.urlFor('code_verification'),
        xsrf: xsrfOf(ctx),
        userCode: (problem as { userCode?: string } | undefined)?.userCode ?? '', // of the library's own errors
        ...definedOnly({ problem: kind, retryAfterSeconds }),
      });
    },
    userCodeConfirm: (ctx, { client, info, userCode }) =>
      show(ctx, 'device-confirm', {
        action: ctx.oidc.urlFor('code_verification'),
        xsrf: xsrfOf(ctx),
        userCode,
        clientName: nameOf(client),
        requestedAt: Number(info.requestedAt ?? 0),
        address: String(info.address ?? ''),
        userAgent: String(info.userAgent ?? ''),
        ...keptDescription(info),
      }),
    deviceDone: (ctx) =>
      show(ctx, 'device-done', { clientName: nameOf(ctx.oidc.client), outcome: 'approved' }),
    logout: async (ctx) => {
      const { session, client } = ctx.oidc;
      const username =
        session?.accountId === undefined ? undefined : await parts.usernameOf(ctx, session.accountId);
      show(ctx, 'logout', {
        action: ctx.oidc.urlFor('end_session_confirm'),
        stayUrl: issuer,
        xsrf: xsrfOf(ctx),
        ...(client === undefined || client.clientId === accountClientId
          ? {}
          : { clientName: nameOf(client) }),
        ...definedOnly({ username }),
      });
    },
    signedOut: (ctx) => {
      const { client } = ctx.oidc;
      show(ctx, 'signed-out', {
        signInUrl: issuer,
        ...(client === undefined || client.clientId === accountClientId
          ? {}
          : { clientName: nameOf(client) }),
      });
    },
  };
};

export const nameOf = (client: Client | undefined): string => client?.clientName ?? client?.clientId ?? '';
