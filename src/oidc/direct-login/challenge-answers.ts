import type { EventEmitter } from 'node:events';
import { errors, type KoaContextWithOIDC, type Provider } from 'oidc-provider';

/** Section 5.2.2.1: `insufficient_authorization` and `redirect_to_web` have status 403, and members of our own. */
export class ChallengeAnswer extends errors.OIDCProviderError {
  readonly members: Readonly<Record<string, unknown>>;

  constructor(code: 'insufficient_authorization' | 'redirect_to_web', words: string, members: object = {}) {
    super(403, code);
    this.error_description = words;
    this.members = { ...members };
  }
}

export const insufficient = (words: string, members: object): ChallengeAnswer =>
  new ChallengeAnswer('insufficient_authorization', words, members);

export const redirectToWeb = (words: string, members: object = {}): ChallengeAnswer =>
  new ChallengeAnswer('redirect_to_web', words, members);

export class InvalidSession extends errors.OIDCProviderError {
  constructor(
    words = 'the auth_session is not valid, has expired, or was used already: begin again without it',
  ) {
    super(400, 'invalid_session');
    this.error_description = words;
  }
}

/** Members of the answer that the library's errors do not have. */
export const announceChallenges = (provider: Provider): void => {
  const emitter: EventEmitter = provider; // the event's typed signature knows no subclass
  emitter.on('grant.error', (ctx: KoaContextWithOIDC, error: Error) => {
    if (error instanceof ChallengeAnswer) Object.assign(ctx.body as object, error.members); // the error's, just set
  });
};
