//! Package managers and generators of projects.

use super::super::spec::Operands::{Below, Files, Final, First, Named, Nothing, Trees};
use super::super::spec::{Spec, puts, writes};

/// Package managers, whose names of files are their own.
pub(super) static PACKAGES: &[Spec] = &[
    writes("npm", Nothing)
        .verbs("install i add uninstall un remove rm r unlink version")
        .valued(NPM)
        .dir("prefix C w workspace")
        .unless("g global no-save dry-run")
        .with_operands()
        .fixed("package.json package-lock.json"),
    writes("npm", Nothing)
        .verbs("update up upgrade")
        .valued(NPM)
        .dir("prefix C w workspace")
        .when("save S D save-dev")
        .unless("g global dry-run")
        .fixed("package.json package-lock.json"),
    writes("npm", Nothing)
        .verbs("dedupe ddp shrinkwrap")
        .valued(NPM)
        .dir("prefix C w workspace")
        .unless("dry-run")
        .fixed("package-lock.json"),
    writes("yarn", Nothing).verbs("add remove up upgrade-interactive init version").dir("cwd").fixed("package.json yarn.lock"),
    writes("yarn", Nothing).verbs("upgrade").dir("cwd").when("latest L").only().fixed("package.json yarn.lock"),
    writes("corepack", Nothing).verbs("use up").fixed("package.json"),
    writes("volta", Nothing).verbs("pin").fixed("package.json"),
    writes("uv", Trees).verbs("init").dir("directory project").valued("name python p build-backend description").fixed("pyproject.toml"),
    writes("yarn", Nothing).verbs("install upgrade dedupe import").dir("cwd").unless("frozen-lockfile immutable").fixed("yarn.lock"),
    writes("pnpm", Nothing)
        .verbs("add remove rm uninstall un update up upgrade init")
        .valued("filter F store-dir registry")
        .dir("C dir")
        .unless("g global no-save")
        .fixed("package.json pnpm-lock.yaml"),
    writes("pnpm", Nothing)
        .verbs("install i dedupe import")
        .valued("filter F")
        .dir("C dir")
        .unless("frozen-lockfile")
        .fixed("pnpm-lock.yaml"),
    writes("bun", Nothing)
        .verbs("add a remove rm update init")
        .dir("cwd")
        .unless("g global no-save dry-run")
        .fixed("package.json bun.lock bun.lockb"),
    writes("bun", Nothing).verbs("install i").dir("cwd").unless("frozen-lockfile g global").fixed("bun.lock bun.lockb"),
    writes("ncu npm-check-updates", Nothing).valued("f filter x reject t target").when("u upgrade").dir("cwd").fixed("package.json"),
    writes("sort-package-json", Named("json")).unless("check c").fixed("package.json").without_operands(),
    writes("syncpack", Nothing).verbs("fix fix-mismatches format").fixed("package.json"),
    writes("json", Files).when("I in-place").valued("e c").edits("f"),
    writes("changeset", Nothing).verbs("version").fixed("package.json CHANGELOG.md"),
    writes("standard-version", Nothing).unless("dry-run").fixed("package.json CHANGELOG.md package-lock.json"),
    writes("npm-pkg-set", Nothing).dir("prefix C w workspace").fixed("package.json"),
    writes("husky", Nothing).verbs("init").fixed("package.json"),
    writes("storybook", Nothing).verbs("init").fixed("package.json"),
    writes("cargo", Nothing)
        .verbs("add rm remove upgrade set-version")
        .valued("features F p package path git branch tag rev rename target vers registry color")
        .outputs("manifest-path")
        .unless("dry-run n")
        .fixed("Cargo.toml Cargo.lock"),
    writes("cargo", Nothing).verbs("update generate-lockfile").unless("dry-run locked").fixed("Cargo.lock"),
    writes("cargo", Trees).verbs("new").valued("name edition vcs registry color"),
    writes("cargo", Trees).verbs("init").valued("name edition vcs registry color").fixed("Cargo.toml").without_operands(),
    writes("poetry", Nothing)
        .verbs("add remove version init lock update")
        .dir("C directory P project")
        .valued("group G extras E source")
        .unless("dry-run")
        .fixed("pyproject.toml poetry.lock"),
    writes("uv", Nothing)
        .verbs("add remove version")
        .dir("directory project")
        .valued("group extra optional index python p script")
        .unless("dry-run")
        .fixed("pyproject.toml uv.lock"),
    writes("uv", Trees).verbs("venv").valued("p python"),
    writes("uv", Nothing).verbs("lock sync").dir("directory project").unless("check locked frozen dry-run").fixed("uv.lock"),
    writes("pdm", Nothing).verbs("add remove update lock init").fixed("pyproject.toml pdm.lock"),
    writes("pipenv", Nothing).verbs("install uninstall update lock").fixed("Pipfile Pipfile.lock"),
    writes("bundle bundler", Nothing).verbs("add remove update lock install").outputs("gemfile lockfile path").fixed("Gemfile.lock"),
    writes("composer", Nothing)
        .verbs("require remove update init")
        .dir("d working-dir")
        .unless("dry-run")
        .fixed("composer.json composer.lock"),
    // In a project of Node it is its file that has them.
    writes("deno", Nothing).verbs("add remove install i").unless("g global frozen").fixed("deno.json deno.lock package.json"),
    writes("pod", Nothing).verbs("install update").fixed("Podfile.lock"),
    writes("gradle gradlew", Below("")).verbs("spotlessApply ktlintFormat formatKotlin *:spotlessApply *:ktlintFormat *:formatKotlin"),
    writes("dotnet", Nothing).verbs("new").outputs("o output").valued("n name"),
    writes("npm", Nothing)
        .verbs("set-script in isntall")
        .valued(NPM)
        .dir("prefix C w workspace")
        .with_operands()
        .fixed("package.json package-lock.json"),
    writes("npm", Nothing).verbs("link").when("save S D save-dev").fixed("package.json package-lock.json"),
    writes("pnpm", Nothing).verbs("version").dir("C dir").with_operands().fixed("package.json"),
    writes("pnpm", Nothing).verbs("patch-commit link approve-builds").fixed("package.json pnpm-lock.yaml"),
    writes("yarn", Nothing).verbs("set/version policies/set-version link unlink").fixed("package.json .yarnrc.yml"),
    writes("bun", Nothing).verbs("pm/pkg/set pm/pkg/delete pm/pkg/fix").fixed("package.json"),
    writes("bun", Nothing).verbs("pm/version").with_operands().fixed("package.json"),
    writes("ni nun nup", Nothing).unless("frozen g").with_operands().fixed("package.json"),
    writes("taze", Nothing).valued("f filter x reject t target include exclude").when("w write u upgrade wr").fixed("package.json"),
    writes("npm-check updates", Nothing).when("u update update-all").fixed("package.json"),
    writes("npm-upgrade npm-add-script npe fixpack husky-init commit-and-tag-version bumpp", Nothing)
        .unless("dry-run")
        .fixed("package.json"),
    writes("release-it semantic-release", Nothing).unless("dry-run d no-npm release-version changelog").fixed("package.json CHANGELOG.md"),
    writes("syncpack", Nothing).verbs("update").unless("check").fixed("package.json"),
    writes("lerna", Nothing).verbs("version add publish import").unless("dry-run").fixed("package.json lerna.json"),
    writes("shadcn shadcn-ui", Nothing).verbs("init add").valued("c cwd p path").dir("c cwd").fixed("package.json components.json"),
    writes("nuxi nuxt", Nothing).verbs("module/add upgrade").fixed("package.json nuxt.config.ts"),
    writes("sv", Nothing).verbs("add migrate").dir("C cwd").fixed("package.json"),
    writes("svelte-add preact-cli", Nothing).fixed("package.json"),
    writes("astro", Nothing).verbs("add").dir("root").fixed("package.json astro.config.mjs"),
    writes("nx", Nothing).verbs("add migrate").unless("print-affected").fixed("package.json nx.json"),
    writes("nx", Nothing).verbs("init g generate").unless("dry-run d help").fixed("package.json nx.json"),
    writes("ng", Nothing).verbs("add update").unless("dry-run").with_operands().fixed("package.json angular.json"),
    writes("ng", Nothing).verbs("new n").outputs("directory"),
    writes("expo", Nothing).verbs("install customize").unless("check").fixed("package.json app.json"),
    writes("expo", Nothing).verbs("prebuild").fixed("package.json"),
    writes("react-native", Nothing).verbs("upgrade").fixed("package.json"),
    writes("storybook sb", Nothing).verbs("add remove upgrade automigrate").unless("dry-run").fixed("package.json"),
    writes("vue", Nothing).verbs("add upgrade").fixed("package.json"),
    writes("gts", Nothing).verbs("init").fixed("package.json tsconfig.json"),
    writes("prettier-package-json", Files).when("write").fixed("package.json"),
    writes("dot-json replace-json-property", First),
    writes("browserslist update-browserslist-db", Nothing).when("update-db").fixed("package-lock.json package.json"),
    writes("rush", Nothing).verbs("add remove").fixed("package.json"),
    writes("meteor jspm", Nothing).verbs("npm install add").fixed("package.json"),
    writes("tsc", Nothing).when("init").only().fixed("tsconfig.json"),
    writes("tailwindcss", Nothing).verbs("init").fixed("tailwind.config.js postcss.config.js"),
    writes("prisma", Nothing).verbs("init").fixed("prisma .env"),
    writes("poetry", Trees).verbs("new").valued("name"),
    puts("conda mamba micromamba", "p prefix").verbs("create install"),
    puts("conda mamba micromamba", "f file").verbs("env/export"),
    writes("cargo", Trees).verbs("vendor lambda/new").valued("s sync"),
    puts("cargo", "destination").verbs("generate").valued("git name path branch template"),
    writes("go", Nothing).verbs("get mod/tidy mod/init").dir("C modfile").fixed("go.mod go.sum"),
    writes("go", Nothing).verbs("work/init work/use work/sync work/edit").fixed("go.work"),
    puts("gem", "i install-dir n bindir").verbs("install").valued("v version"),
    writes("bundle bundler", Nothing).verbs("init").fixed("Gemfile"),
    writes("bundle bundler", Trees).verbs("gem"),
    writes("composer", Final).verbs("create-project").valued("repository"),
    writes("dotnet", First).verbs("add remove sln reference").skip_verb("package reference"),
    writes("mix", Trees).verbs("new phx.new").valued("app module database"),
    writes("rails", Trees).verbs("new").valued("d database m template j javascript c css"),
    writes("django-admin", Final).verbs("startproject startapp").valued("template extension name"),
    writes("manage.py", Final).verbs("startapp"),
    puts("manage.py", "o output").verbs("dumpdata").valued("indent format e exclude"),
    writes("swift", Nothing).verbs("package/init").fixed("Package.swift"),
    writes("flutter dart", Final).verbs("create").valued("t template org platforms project-name"),
    writes("nest", Final).verbs("new n g generate").valued("p package-manager l language").unless("d dry-run"),
    writes("vue ember gatsby rails ionic jekyll mkdocs tsdx wrangler", Final)
        .verbs("create new init")
        .outputs("directory")
        .valued("template t preset"),
    writes("nuxi nuxt sv", Final).verbs("init create").valued("template t types"),
    writes("hugo", Final).verbs("new").skip_verb("site content theme").valued("k kind f format"),
    writes("copier", Final).verbs("copy update recopy").valued("d data r vcs-ref answers-file a"),
    puts("serverless sls", "p path").verbs("create").valued("t template n name"),
    writes("helm", Trees).verbs("create").valued("p starter"),
    puts("helm", "d destination untardir").verbs("pull fetch package").valued("version repo"),
    writes("helm", First).verbs("dependency dep").skip_verb("update up build"),
    puts("gradle gradlew", "p project-dir").verbs("init"),
    puts("lein", "to-dir"),
    puts("cabal", "package-dir").verbs("init"),
    writes("zig", Nothing).verbs("init init-exe init-lib").fixed("build.zig src"),
    writes("sphinx-quickstart", First).valued("p a v r l"),
    writes(
        "create-docusaurus create-vue create-svelte create-t3-app create-astro create-solid create-nuxt-app create-expo create-mui-theme",
        First,
    )
    .valued("template t"),
    writes("alembic flask", Final).verbs("init db/init").valued("t template c config").outputs("d directory"),
    puts("alembic", "version-path").verbs("revision").valued("m message c config x"),
    puts("diesel", "migration-dir").verbs("setup migration").valued("database-url"),
    puts("sqlx", "source s").verbs("migrate").valued("D database-url"),
    puts("sea-orm-cli", "d migration-dir o output-dir").valued("u database-url t tables s"),
    puts("knex", "migrations-directory").valued("env knexfile"),
    writes("typeorm", Final).verbs("migration:create migration:generate entity:create subscriber:create").valued("d dataSource"),
    puts("sequelize sequelize-cli", "models-path migrations-path seeders-path").valued("name attributes"),
    writes("goose", Nothing).single().outputs("dir").valued("table"),
    writes("migrate", Nothing).verbs("create").single().within("dir").valued("ext digits format"),
    puts("dbmate", "d migrations-dir schema-file s").valued("u url e env"),
    writes("ansible-galaxy", Final).verbs("init role/init collection/init").valued("init-path type role-skeleton"),
    puts("ansible-galaxy", "p roles-path collections-path").valued("r role-file requirements-file"),
    writes("kustomize", Nothing).verbs("edit create").fixed("kustomization.yaml"),
    writes("nix", Nothing).verbs("flake/init flake/update flake/lock").fixed("flake.nix flake.lock"),
    writes("niv npins", Nothing).verbs("update init add drop").fixed("nix npins"),
    puts("ng", "path").verbs("g generate").unless("dry-run d"),
    puts("nuget", "OutputDirectory").single().verbs("install restore"),
    puts("brew", "file").verbs("bundle/dump bundle"),
    puts("luarocks", "tree").verbs("install make"),
    puts("sam", "b build-dir output-template-file s").verbs("build package"),
    puts("serverless sls", "p package").verbs("package"),
    puts("relay-compiler", "artifactDirectory").single().valued("src schema"),
    puts("atlas", "dir").verbs("migrate").valued("to dev-url u url"),
    puts("liquibase", "changelog-file changeLogFile output-file outputFile"),
    writes("wrangler", Final).verbs("types"),
    writes("terraform tofu", Nothing).verbs("init").single().dir("chdir").fixed(".terraform.lock.hcl"),
];

const NPM: &str = "registry tag otp loglevel cache userconfig";
