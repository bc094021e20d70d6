/** What `GET /template_versions` of Heat 27 tells. */
export const TEMPLATE_VERSIONS: { version: string; type: string; aliases: string[] }[] = [
  { version: 'AWSTemplateFormatVersion.2010-09-09', type: 'cfn', aliases: [] },
  { version: 'HeatTemplateFormatVersion.2012-12-12', type: 'cfn', aliases: [] },
  ...[
    ['2013-05-23'],
    ['2014-10-16'],
    ['2015-04-30'],
    ['2015-10-15'],
    ['2016-04-08'],
    ['2016-10-14', 'newton'],
    ['2017-02-24', 'ocata'],
    ['2017-09-01', 'pike'],
    ['2018-03-02', 'queens'],
    ['2018-08-31', 'rocky'],
    ['2021-04-16', 'wallaby'],
  ].map(([version = '', ...names]) => ({
    version: `heat_template_version.${version}`,
    type: 'hot',
    aliases: names.map((name) => `heat_template_version.${name}`),
  })),
];

/** The functions of the newest HOT versions; the mock tells the same of each version. */
export const TEMPLATE_FUNCTIONS: { functions: string; description: string }[] = [
  ...['get_attr', 'get_file', 'get_param', 'get_resource', 'list_join', 'repeat', 'resource_facade'],
  ...['str_replace', 'digest', 'str_split', 'map_merge', 'yaql', 'map_replace', 'if', 'filter'],
  ...[
    'str_replace_strict',
    'make_url',
    'list_concat',
    'str_replace_vstrict',
    'list_concat_unique',
    'contains',
  ],
  ...['equals', 'not', 'and', 'or'],
].map((name) => ({ functions: name, description: `The function ${name}.` }));
