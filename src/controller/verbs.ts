/** What the annotation `heatstack.dev/action` can ask for, as `<verb>@<token>`; each token is carried out once. */
export const VERBS = [
  'check',
  'stack-suspend',
  'stack-resume',
  'cancel-update',
  'cancel-without-rollback',
] as const;
export type Verb = (typeof VERBS)[number];
