// The JSON API for people's own account, below `<issuer>/api/v1`. One operation is one method at one path; each is
// described once (`web/api/described-operation.ts`).
//   operations.ts         all operations; account-api.ts, device-api.ts … define them, by subject
//   answer-operation.ts   one request: access token, parameters, body, answer
//   api-document.ts       the OpenAPI document; api-schemas.ts: what several operations share
import type { Context } from 'koa';
import type { z } from 'zod';
import type { Accounts } from '../../accounts/account-types.ts';
import type { FindKey } from '../../accounts/api-keys/find-key.ts';
import type { OwnKeys } from '../../accounts/api-keys/own-keys.ts';
import type { DeletionRequests } from '../../accounts/deletion-request.ts';
import type { Devices } from '../../accounts/devices.ts';
import type { EmailChanges } from '../../accounts/email-change.ts';
import type { PasswordRecovery } from '../../accounts/password-recovery.ts';
import type { PersonApps } from '../../accounts/person-apps.ts';
import type { ExportPerson } from '../../accounts/person-export.ts';
import type { PersonSessions } from '../../accounts/person-sessions.ts';
import type { Pictures } from '../../accounts/pictures.ts';
import type { ProfileChanges } from '../../accounts/profile-change.ts';
import type { Registration } from '../../accounts/registration.ts';
import type { SignIns } from '../../accounts/sign-ins/sign-ins.ts';
import type { DisconnectSource } from '../../accounts/source-disconnection.ts';
import type { PersonAudit } from '../../audit/person-audit.ts';
import type { TenantDefinition } from '../../config/tenant/tenant-definition.ts';
import type { Connector } from '../../connectors/connector.ts';
import type { DirectLogin } from '../../oidc/direct-login/direct-login.ts';
import type { EmailSessions } from '../../oidc/direct-login/email-sessions.ts';
import type { ProlongSession } from '../../oidc/direct-login/prolong-session.ts';
import type { TenantProvider } from '../../oidc/provider/tenant-provider.ts';
import type { AccessTokens } from '../../oidc/tokens/access-tokens.ts';
import type { AccountRecord } from '../../storage/storage.ts';
import {
  type DescribedAnswer,
  type DescribedOperation,
  type GivenParts,
  type OperationParts,
  readParts,
  type OperationFacts as SharedFacts,
} from '../../web/api/described-operation.ts';

import type { AcceptedKeys } from '../identify-by-key.ts';

/** Where the API begins, after the issuer. */
export const apiPath = '/api/v1';

/** What the operations need of a tenant. */
export interface ApiTenant {
  readonly definition: TenantDefinition;
  readonly provider: Pick<TenantProvider, 'issuer' | 'certificateOf'>;
  readonly directLogin: DirectLogin;
  readonly emailSessions: EmailSessions;
  readonly prolongSession: ProlongSession;
  readonly accessTokens: AccessTokens;
  readonly findKey: FindKey;
  readonly connectors: readonly Connector[];
  readonly devices: Devices;
  readonly sessions: PersonSessions;
  readonly signIns: Pick<SignIns, 'list' | 'end'>;
  readonly apps: PersonApps;
  readonly ownKeys: OwnKeys;
  readonly personAudit: PersonAudit;
  readonly exportPerson: ExportPerson;
  readonly deletion: Pick<DeletionRequests, 'begin'>;
  readonly pictures: Pictures;
  readonly profile: ProfileChanges;
  readonly registration: Registration;
  readonly recovery: Omit<PasswordRecovery, 'find'>;
  readonly emailChanges: EmailChanges;
  readonly disconnectSource: DisconnectSource;
  readonly accounts: Pick<Accounts, 'factors' | 'changePassword'>;
}

/** The person of the access token, whose account may be used now. */
export interface ApiPerson {
  readonly sub: string;
  readonly account: AccountRecord;
  /** The grant and the session of the presented token, as revocation events name them. */
  readonly revocationIds: readonly string[];
  readonly hasSignedInRecently: boolean;
  /** For the audit record. */
  readonly by: { readonly actor: string; readonly address: string; readonly requestId: string };
}

/** One request, checked. */
export interface ApiCall<Path, Query, Body> {
  readonly ctx: Context;
  readonly tenant: ApiTenant;
  readonly person: ApiPerson;
  readonly path: Path;
  readonly query: Query;
  readonly body: Body;
  /** Empty for operations without a file. */
  readonly file: Buffer;
}

interface OperationFacts extends SharedFacts {
  /** Is a sign-in of the last five minutes needed? A list: for requests whose body has one of these members. */
  readonly needsRecentSignIn?: true | readonly string[];
  /** Is a sign-in with a second factor needed, of a person who has one? */
  readonly needsFactor?: true;
  /** Is an API key with the scope enough, and whose? Absent: somebody must have signed in. Only for what changes nothing. */
  readonly acceptsKeys?: AcceptedKeys;
}

export interface OperationSpec<
  Path extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
  Answer extends z.ZodType,
> extends OperationFacts,
    OperationParts<Path, Query, Body> {
  readonly answer: DescribedAnswer<Answer>;
  readonly handle: (
    call: ApiCall<z.output<Path>, z.output<Query>, z.output<Body>>,
  ) => Promise<z.input<Answer> | undefined>;
}

/** An operation for which nobody has to be signed in. */
export interface PublicOperationSpec<
  Path extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
  Answer extends z.ZodType,
> extends Omit<
    OperationSpec<Path, Query, Body, Answer>,
    'handle' | 'needsRecentSignIn' | 'needsFactor' | 'acceptsKeys'
  > {
  readonly handle: (
    call: Omit<ApiCall<z.output<Path>, z.output<Query>, z.output<Body>>, 'person'>,
  ) => Promise<z.input<Answer> | undefined>;
}

/** What was sent, unchecked. */
export interface ApiInput extends Pick<ApiCall<never, never, never>, 'ctx' | 'tenant' | 'file'>, GivenParts {
  /** Absent for a public operation. */
  readonly person?: ApiPerson;
}

export interface Operation extends OperationFacts, DescribedOperation {
  /** Is no access token needed? */
  readonly isPublic?: true;
  /**
   * @returns what the answer says; undefined without a schema
   * @throws AppError `invalid_request` when a part of the request is not as described; OperationRefusal
   */
  run(input: ApiInput): Promise<unknown>;
}

export const defineOperation = <
  Answer extends z.ZodType = z.ZodNever,
  Path extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodObject = z.ZodObject,
>({
  handle,
  ...spec
}: OperationSpec<Path, Query, Body, Answer>): Operation =>
  operationOf(spec, (call, person) => {
    if (person === undefined) throw new Error('an operation ran without a person');
    return handle({ ...call, person });
  });

export const definePublicOperation = <
  Answer extends z.ZodType = z.ZodNever,
  Path extends z.ZodObject = z.ZodObject,
  Query extends z.ZodObject = z.ZodObject,
  Body extends z.ZodObject = z.ZodObject,
>({
  handle,
  ...spec
}: PublicOperationSpec<Path, Query, Body, Answer>): Operation => ({
  ...operationOf(spec, handle),
  isPublic: true,
});

const operationOf = <
  Answer extends z.ZodType,
  Path extends z.ZodObject,
  Query extends z.ZodObject,
  Body extends z.ZodObject,
>(
  spec: Omit<OperationSpec<Path, Query, Body, Answer>, 'handle'>,
  handle: (
    call: Omit<ApiCall<z.output<Path>, z.output<Query>, z.output<Body>>, 'person'>,
    person: ApiPerson | undefined,
  ) => Promise<unknown>,
): Operation => {
  const { parameters = {} } = spec;
  return {
    ...spec,
    parameters,
    run: async ({ ctx, tenant, person, file, ...given }) => {
      const found = await handle({ ctx, tenant, file, ...readParts(spec, given) }, person);
      return spec.answer.schema?.parse(found);
    },
  };
};
