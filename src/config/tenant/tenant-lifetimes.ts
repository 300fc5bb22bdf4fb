import { z } from 'zod';
import { durationSeconds } from '../parsing/field-types.ts';

const minute = 60;
const hour = 60 * minute;
const day = 24 * hour;

/** Seconds. Above the upper bound a mistake is more likely than an intention (codes: RFC 6749 section 4.1.2). */
export const lifetimeRanges = {
  session: { min: minute, max: 400 * day },
  interaction: { min: minute, max: hour },
  authorizationCode: { min: 10, max: 10 * minute },
  accessToken: { min: 30, max: 30 * day },
  idToken: { min: 30, max: day },
  refreshToken: { min: minute, max: 400 * day },
  refreshTokenAbsolute: { min: minute, max: 1000 * day },
  refreshTokenGrace: { min: 0, max: minute },
  codeGrace: { min: 0, max: minute },
  deviceCode: { min: 30, max: hour },
  directLogin: { min: minute, max: 400 * day },
} as const;

export const lifetimesSchema = z.strictObject({
  session: durationSeconds(lifetimeRanges.session)
    .prefault('14d')
    .meta({ description: 'Session of a browser; each use starts it anew.' }),
  interaction: durationSeconds(lifetimeRanges.interaction)
    .prefault('15m')
    .meta({ description: 'Time to finish a sign-in.' }),
  authorizationCode: durationSeconds(lifetimeRanges.authorizationCode)
    .prefault('60s')
    .meta({ description: 'Time to exchange an authorization code.' }),
  accessToken: durationSeconds(lifetimeRanges.accessToken)
    .prefault('1h')
    .meta({ description: 'Opaque access tokens. A resource has its own lifetime.' }),
  idToken: durationSeconds(lifetimeRanges.idToken).prefault('10m').meta({ description: 'ID tokens.' }),
  refreshToken: durationSeconds(lifetimeRanges.refreshToken)
    .prefault('30d')
    .meta({ description: 'Refresh tokens; each rotation starts it anew.' }),
  refreshTokenAbsolute: durationSeconds(lifetimeRanges.refreshTokenAbsolute)
    .prefault('180d')
    .meta({ description: 'Maximum time from the sign-in, for all rotations of a refresh token.' }),
  refreshTokenGrace: durationSeconds(lifetimeRanges.refreshTokenGrace).prefault('10s').meta({
    description: 'Grace period in which a rotated refresh token still returns its successor, 0s to 60s.',
  }),
  directLogin: durationSeconds(lifetimeRanges.directLogin)
    .prefault('24h')
    .meta({ description: 'Access tokens of the login API; each has a session of its own.' }),
  codeGrace: durationSeconds(lifetimeRanges.codeGrace).prefault('10s').meta({
    description:
      'Grace period in which a code or device code that is sent again is only refused, 0s to 60s; after it the tokens that it gave are revoked.',
  }),
});
