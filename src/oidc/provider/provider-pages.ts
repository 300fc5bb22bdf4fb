import type { Context } from 'koa';
import { type Client, type ErrorOut, errors, type KoaContextWithOIDC } from 'oidc-provider';
import type { Clock } from '../../clock.ts';
import type { LocalText, TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import { definedOnly } from '../../defined-only.ts';
import type { Log } from '../../log.ts';
import { isLoopbackHost } from '../../protocol/loopback.ts';
import type { FormNotices } from '../../web/form-notice.ts';
import type { Look, PageModels, PageName, Pages } from '../../web/pages.ts';
import { newErrorId, type Problem, problemBody, problemHeaders } from '../../web/problem.ts';
import { keptDescription, readDeviceDescription } from '../grants/device-description.ts';
import { accountClientId, clientNameOf } from './clients.ts';
import { retryAfterOf } from './errors.ts';
import { readFormPost } from './form-post-page.ts';
import type { MethodsOf } from './protocol-methods.ts';
import type { ProviderRequest } from './provider-request.ts';
import { linesForFile, refusalFacts } from './refusal-facts.ts';
import { isFormOver, overOf } from './sign-in-over.ts';

/** The pages that the provider itself has to show, in the design of our pages. */
export interface ProviderPages {
  error(ctx: KoaContextWithOIDC, out: ErrorOut, error: Error): void;
  deviceInfo(ctx: KoaContextWithOIDC): Record<string, unknown>;
  userCodeInput(ctx: KoaContextWithOIDC, out: ErrorOut | undefined, error: Error | undefined): void;
  userCodeConfirm(ctx: KoaContextWithOIDC, confirmation: UserCodeConfirmation): void;
  deviceDone(ctx: KoaContextWithOIDC): void;
  logout(ctx: KoaContextWithOIDC): Promise<void>;
  signedOut(ctx: KoaContextWithOIDC): void;
  /**
   * Shows a form that the library sends on in a page of ours; other answers stay as they are.
   * @param contentPolicy the header without the hash of the library's script
   */
  formPost(ctx: KoaContextWithOIDC, contentPolicy: string): void;
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
  readonly notices: FormNotices;
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

/** What the form shows after a code was sent that cannot be used. */
interface UserCodeNotice {
  readonly problem: UserCodeProblem;
  readonly userCode: string;
}

/** What its place shows after the person has decided. */
type DeviceOutcome = PageModels['device-done'];

/** What is wrong with the code itself; other refusals keep their status. */
const entryProblems: ReadonlySet<UserCodeProblem> = new Set(['missing', 'unknown', 'expired', 'used']);

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
    ...definedOnly({ languageUrls: parts.factsOf(ctx).languageUrls?.(urlAsGet(ctx)) }),
    tenant: { id: definition.id, displayName: definition.displayName, branding: definition.branding },
  });
  /** The answer to the form of a device is fetched again with its code; other pages by the URL of their request. */
  const urlAsGet = ({ method, oidc }: KoaContextWithOIDC): string | undefined => {
    if (method !== 'POST' || oidc?.route !== 'code_verification') return undefined;
    const { user_code: userCode } = oidc.params ?? {};
    const query = typeof userCode === 'string' ? `?${new URLSearchParams({ user_code: userCode })}` : '';
    return `${new URL(issuer).pathname}/device${query}`;
  };
  const show = <N extends PageName>(ctx: KoaContextWithOIDC, name: N, model: PageModels[N]): void => {
    ctx.type = 'html';
    ctx.set('Cache-Control', 'no-store');
    ctx.body = pages.render(name, model, look(ctx));
  };
  /** The provider's own guard of its forms (`xsrf`), kept in the session. */
  const xsrfOf = (ctx: KoaContextWithOIDC): string => String(ctx.oidc.session?.state?.secret ?? '');

  const isForDevelopers = definition.demo || isLoopbackHost(new URL(issuer).hostname);
  const hintFor = (ctx: KoaContextWithOIDC, out: ErrorOut): PageModels['error']['hint'] => {
    if (!isForDevelopers) return undefined;
    const facts = refusalFacts(definition, ctx, { error: out.error, description: out.error_description });
    const { clientId, isClientKnown, knownClients = [], address } = facts;
    if (clientId === undefined || (isClientKnown && address === undefined)) return undefined;
    return {
      clientId,
      registered: isClientKnown ? (address?.registered ?? []) : knownClients,
      file: `${definition.id}.yaml`,
      ...definedOnly({ came: address?.came, difference: address?.difference, lines: linesForFile(facts) }),
    };
  };

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
    if (ctx.accepts('html', 'json') === 'json') {
      // the library asks for a page at the authorization endpoint, whoever called it
      ctx.set('Cache-Control', 'no-store');
      ctx.body = problemBody(problem);
      return;
    }
    const over = overOf(ctx, cause);
    if (over !== undefined) {
      const { isForm } = over;
      show(ctx, 'sign-in-over', {
        reason: isForm
          ? 'form_out_of_date'
          : ctx.oidc.session?.accountId === undefined
            ? 'expired'
            : 'signed_in',
        code: 'session_expired',
        errorId: problem.errorId,
        accountUrl: issuer,
        ...(isForm ? { formUrl: `${issuer}/session/end` } : {}),
        ...definedOnly({ app: parts.factsOf(ctx).startAgain?.(over.uid) }),
      });
      return;
    }
    show(ctx, 'error', { ...problem, homeUrl: issuer, ...definedOnly({ hint: hintFor(ctx, out) }) });
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

  const devicePlace = (ctx: KoaContextWithOIDC) => ({
    ctx: ctx as unknown as Context, // the library's own context
    url: `${issuer}/device`,
  });
  const showOutcome = (ctx: KoaContextWithOIDC, outcome: DeviceOutcome['outcome']): void => {
    const done: DeviceOutcome = { clientName: nameOf(definition, ctx.oidc.client), outcome };
    // a reload of the answer to a POST would send the form again
    if (ctx.method === 'POST') parts.notices.show(devicePlace(ctx), done);
    else show(ctx, 'device-done', done);
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
      const place = devicePlace(ctx);
      const isOver = isFormOver(problem) || problem instanceof errors.SessionNotFound;
      const named = isOver ? 'form' : userCodeProblems[problem?.name ?? ''];
      if (named === 'aborted') return showOutcome(ctx, 'refused');
      const retryAfterSeconds = retryAfterOf(problem);
      if (retryAfterSeconds !== undefined) ctx.set('Retry-After', String(retryAfterSeconds));
      const { userCode = '' } = (problem ?? {}) as { userCode?: string }; // of the library's own errors
      const kind = problem === undefined ? undefined : (named ?? 'other');
      const isEntry = kind !== undefined && entryProblems.has(kind);
      if (isEntry && ctx.method === 'POST')
        return parts.notices.show(place, { problem: kind, userCode } satisfies UserCodeNotice);
      const last =
        problem === undefined ? parts.notices.last<UserCodeNotice & DeviceOutcome>(place) : undefined;
      const { outcome, clientName = '', ...notice } = last?.isNew === true ? last.notice : {};
      if (outcome !== undefined) return show(ctx, 'device-done', { outcome, clientName });
      show(ctx, 'device-code', {
        action: ctx.oidc.urlFor('code_verification'),
        xsrf: xsrfOf(ctx),
        userCode,
        ...definedOnly({ problem: kind, retryAfterSeconds }),
        ...notice,
      });
    },
    userCodeConfirm: (ctx, { client, info, userCode }) =>
      show(ctx, 'device-confirm', {
        action: ctx.oidc.urlFor('code_verification'),
        xsrf: xsrfOf(ctx),
        userCode,
        clientName: nameOf(definition, client),
        requestedAt: Number(info.requestedAt ?? 0),
        address: String(info.address ?? ''),
        userAgent: String(info.userAgent ?? ''),
        ...keptDescription(info),
      }),
    deviceDone: (ctx) => showOutcome(ctx, 'approved'),
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
          : { clientName: nameOf(definition, client) }),
        ...definedOnly({ username }),
      });
    },
    formPost: (ctx, contentPolicy) => {
      const form = readFormPost(ctx.body);
      if (form === undefined) return;
      if (contentPolicy !== '') ctx.set('Content-Security-Policy', contentPolicy);
      show(ctx, 'form-post', form);
    },
    signedOut: (ctx) => {
      const { client } = ctx.oidc;
      show(ctx, 'signed-out', {
        signInUrl: issuer,
        ...(client === undefined || client.clientId === accountClientId
          ? {}
          : { clientName: nameOf(definition, client) }),
      });
    },
  };
};

const nameOf = (definition: TenantDefinition, client: Client | undefined): LocalText =>
  client === undefined ? '' : clientNameOf(definition, client.clientId);
