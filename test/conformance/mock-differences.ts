const NO_FETCH = 'The mock fetches nothing from addresses.';
const NO_KEYSTONE = 'The mock makes no users and projects, so it has none of those types.';

/** What the mock does otherwise than the real Heat, and may: the scenario's name, and why. */
export const MOCK_DIFFERENCES: Readonly<Record<string, string>> = {
  'a template that Heat fetches itself (template_url)': NO_FETCH,
  'a template that Heat fetches itself, beside a template that is null': NO_FETCH,
  'validate a template that Heat fetches itself': NO_FETCH,
  'refused: a resource that only administrators may have': NO_KEYSTONE,
  'wait for a delete that fails': NO_KEYSTONE,
  'outputs that are broken, and hidden parameters': "The mock's functions forgive a wrong type.",
  'validate a template with nested ones': 'The mock shows no functions as values of nested parameters.',
  'preview of an update that replaces a resource within a nested stack':
    'Heat says "None" for the id of a stack to be, where the mock has one.',
  'the schema of a type of resources': 'The mock has its own words for descriptions.',
};
