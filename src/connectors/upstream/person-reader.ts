import type { JWTPayload } from 'jose';
import { definedOnly } from '../../defined-only.ts';
import type { SourcePerson } from '../connector.ts';
import { valueAt } from '../mapping/json-pointer.ts';
import { type AttributeSources, toAttributes } from './attributes.ts';
import type { Details } from './details.ts';
import { createNameExtraction, toName } from './name-extraction.ts';
import type { UpstreamClient, UpstreamParts } from './upstream-client.ts';
import { broken, readJson, readUserInfo, type UserInfo, type UserInfoRefusal } from './user-info.ts';

export interface Proof {
  readonly accessToken: string;
  /** Claims of a verified JWT: the ID token, or the access token itself. */
  readonly claims?: JWTPayload;
  readonly amr?: readonly string[];
  /** The claims alone are enough when user-info refuses the token: it is meant for another resource. */
  readonly isForResource?: boolean;
  /** The claims are those of an ID token that was issued just now. */
  readonly hasIdToken?: boolean;
}

export type PersonRead =
  | { readonly ok: true; readonly person: SourcePerson }
  /** `other_person`: the answers of the upstream are about two people. */
  | {
      readonly ok: false;
      readonly reason: UserInfoRefusal | 'invalid' | 'other_person';
      readonly detail: string;
    };

export interface PersonReader {
  /** @throws AppError `unavailable`; `throttled`; JOSEError when a signed user-info answer is not valid */
  read(proof: Proof): Promise<PersonRead>;
  /** A person of whom only the details are known. */
  fromDetails(subject: string, details: Readonly<Record<string, unknown>>): SourcePerson;
}

export interface PersonReaderParts extends UpstreamParts {
  readonly details: Details | undefined;
}

/** Makes a person of the upstream's data: ID token, user-info, extra information, details. */
export const createPersonReader = (client: UpstreamClient, parts: PersonReaderParts): PersonReader => {
  const { source } = client;
  const extractName =
    source.userNameExtractionPattern === undefined
      ? undefined
      : createNameExtraction(source.userNameExtractionPattern);

  const askUserInfo = async (accessToken: string): Promise<UserInfo | undefined> => {
    const { userinfo_endpoint: endpoint } = await client.metadata();
    const isNeeded = endpoint !== undefined || source.type === 'oauth2' || extractName !== undefined;
    return isNeeded ? readUserInfo(client, parts, accessToken) : undefined;
  };

  const readExtra = async (accessToken: string): Promise<Readonly<Record<string, unknown>>> =>
    Object.fromEntries(
      await Promise.all(
        Object.entries(source.extraInfo).map(async ([name, url]): Promise<[string, unknown]> => {
          const answer = await readJson(client, parts, { url, accessToken });
          // the person is known without it, such as to a GitHub App that may not read e-mail addresses
          if (answer.status === 'refused' || answer.status === 'forbidden')
            parts.log.warn(
              { extraInfo: name },
              `extraInfo is left out: the upstream answers ${answer.status}`,
            );
          return [name, answer.status === 'ok' ? answer.json : undefined];
        }),
      ),
    );

  /** Undefined when there is none. */
  const nameOf = (userInfo: UserInfo | undefined, claims: JWTPayload | undefined): string | undefined =>
    userInfo?.status === 'ok'
      ? extractName?.({ text: userInfo.text, json: userInfo.members })
      : extractName?.({ text: JSON.stringify(claims), json: claims });

  const read = async (proof: Proof): Promise<PersonRead> => {
    const { accessToken, claims } = proof;
    const userInfo = await askUserInfo(accessToken);
    if (userInfo !== undefined && userInfo.status !== 'ok') {
      // an ID token says who signed in even where the token is not for user-info
      const isOptional =
        proof.isForResource === true || (proof.hasIdToken === true && userInfo.status === 'forbidden');
      const isEnough = claims !== undefined && isOptional;
      if (!isEnough) return { ok: false, reason: userInfo.status, detail: userInfoRefusals[userInfo.status] };
    }
    const members = userInfo?.status === 'ok' ? userInfo.members : undefined;
    const name = nameOf(userInfo, claims);
    if (userInfo?.status === 'ok' && members === undefined && name === undefined)
      throw broken('user-info answered no JSON object');
    if (claims !== undefined && members !== undefined && members.sub !== claims.sub)
      return {
        ok: false,
        reason: 'other_person',
        detail: 'user-info is about another person: its sub is not that of the token',
      };
    if (extractName !== undefined && name === undefined)
      return invalid('userNameExtractionPattern finds no name in the user-info answer');
    const subject = subjectOf({ ...claims, ...members }, name);
    if (subject === undefined)
      return invalid(`the answer has no subject at ${source.subjectPointer ?? '/sub'}`);
    const extra = await readExtra(accessToken);
    const details = await parts.details?.find({
      subject,
      username: name ?? usernameIn({ ...claims, ...members }),
    });
    return {
      ok: true,
      person: toPerson(subject, {
        sources: {
          extra,
          ...definedOnly({ claims, userInfo: members, details }),
        },
        ...definedOnly({ name, amr: proof.amr }),
      }),
    };
  };

  const subjectOf = (
    members: Readonly<Record<string, unknown>>,
    name: string | undefined,
  ): string | undefined => {
    if (source.subjectPointer !== undefined) return toName(valueAt(members, source.subjectPointer));
    return source.type === 'oauth2' && name !== undefined ? name : toName(members.sub);
  };

  const toPerson = (
    subject: string,
    known: { readonly sources: AttributeSources; readonly name?: string; readonly amr?: readonly string[] },
  ): SourcePerson => {
    const { claims } = known.sources;
    const { groups, ...attributes } = toAttributes(known.sources, source.emailVerifiedPointer);
    const isList = Array.isArray(groups) && groups.every((group) => typeof group === 'string');
    const acr = typeof claims?.acr === 'string' ? source.acr[claims.acr] : undefined;
    const issuer = claims?.iss ?? source.issuer;
    return {
      ...(source.type === 'oidc' && issuer !== undefined ? { issuer } : {}),
      subject,
      attributes: {
        ...attributes,
        ...(isList || groups === undefined ? {} : { groups }),
        ...definedOnly({ username: known.name }),
      },
      groups: isList ? groups : [],
      amr: known.amr ?? methods(claims?.amr),
      ...definedOnly({ acr }),
      ...(typeof claims?.auth_time === 'number' ? { authTime: claims.auth_time } : {}),
    };
  };

  return { read, fromDetails: (subject, details) => toPerson(subject, { sources: { details } }) };
};

const isNotAccepted = 'user-info does not accept the token: it is of another server, revoked or expired';

/** RFC 6750 section 3.1 */
const userInfoRefusals = {
  refused: isNotAccepted,
  bad_request: isNotAccepted,
  forbidden:
    'user-info answers 403: the token lacks a scope that it needs. Add it to "scopes"; OpenID providers such as Keycloak need openid',
} as const;

const invalid = (detail: string): PersonRead => ({ ok: false, reason: 'invalid', detail });

const usernameIn = (members: Readonly<Record<string, unknown>>): string | undefined =>
  toName(members.preferred_username ?? members.username ?? members.login);

/** RFC 8176; values that are not short and plain are dropped. */
const methods = (amr: unknown): readonly string[] =>
  Array.isArray(amr)
    ? amr
        .filter((value): value is string => typeof value === 'string' && /^[\w:.-]{1,64}$/.test(value))
        .slice(0, 20)
    : [];
