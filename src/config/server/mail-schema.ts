import { z } from 'zod';
import { durationMs, emailAddress, plainText, wholeNumber } from '../parsing/field-types.ts';

const second = 1000;

const hostForm = /^(?:[a-z0-9](?:[a-z0-9.-]*[a-z0-9])?|[0-9a-f:]*:[0-9a-f:]*)$/i;

/** `mail` of config/server.yaml: the mail server (SMTP). */
export const mailSchema = z.strictObject({
  host: z
    .string()
    .regex(hostForm, { error: 'is not a host; write a name or an address, without scheme or port' })
    .optional()
    .meta({
      description:
        'Mail server (SMTP) that mails to users are sent through. Default: none, and tenants cannot switch on what needs mail.',
      examples: ['smtp.example.com'],
    }),
  port: wholeNumber({ min: 1, max: 65_535 }).optional().meta({
    description: 'Port of the mail server. Default: 587 with starttls, 465 with implicit, 25 with none.',
  }),
  tls: z.enum(['starttls', 'implicit', 'none']).default('starttls').meta({
    description:
      'starttls: the connection must be upgraded to TLS. implicit: TLS from the start. none: no TLS, for a mail server on this machine only.',
  }),
  user: plainText(254)
    .optional()
    .meta({ description: 'User name at the mail server, or a reference: env:NAME or file:/path.' }),
  password: z
    .string()
    .min(1)
    .optional()
    .meta({
      description: 'Password at the mail server. In the file: only a reference, env:NAME or file:/path.',
      examples: ['env:SMTP_PASSWORD'],
    }),
  ca: z
    .string()
    .min(1)
    .optional()
    .meta({
      description:
        "Certificates that the mail server's certificate must derive from: file:/path (PEM), or system for those of the operating system. Default: those of Node.",
      examples: ['file:/etc/drawbridge/mail-ca.pem'],
    }),
  from: emailAddress()
    .optional()
    .meta({
      description: 'Sender of the mails, for tenants that have none of their own. Required with host.',
      examples: ['login@example.com'],
    }),
  connections: wholeNumber({ min: 1, max: 50 })
    .default(2)
    .meta({ description: 'Connections to the mail server that one process uses at the same time.' }),
  timeout: durationMs({ min: second, max: 30 * second })
    .prefault('10s')
    .meta({ description: 'How long a connection, a greeting or an answer of the mail server may take.' }),
});
