package githubtest

// as tells who may ask for an operation.
type as int

const (
	asInstallation as = iota
	asApp
	asPerson
)

// route is how an operation is carried out.
type route struct {
	as     as
	need   string // the permission it takes, such as checks:write
	handle func(*call) answer
}

// routes are the operations that are implemented, by GitHub's operationId.
var routes = map[string]route{
	"apps/get-authenticated":                          {asApp, "", getApp},
	"apps/get-webhook-config-for-app":                 {asApp, "", getHookConfig},
	"apps/list-webhook-deliveries":                    {asApp, "", getDeliveries},
	"apps/get-webhook-delivery":                       {asApp, "", getDelivery},
	"apps/redeliver-webhook-delivery":                 {asApp, "", redeliver},
	"apps/list-installations":                         {asApp, "", listInstallations},
	"apps/get-installation":                           {asApp, "", getInstallation},
	"apps/create-installation-access-token":           {asApp, "", createToken},
	"apps/get-repo-installation":                      {asApp, "", getRepositoryInstallation},
	"apps/get-org-installation":                       {asApp, "", getOrganizationInstallation},
	"apps/list-repos-accessible-to-installation":      {asInstallation, "metadata:read", listInstallationRepositories},
	"apps/revoke-installation-access-token":           {asInstallation, "", revokeToken},
	"users/get-authenticated":                         {asPerson, "", getMyself},
	"rate-limit/get":                                  {asInstallation, "", getRateLimit},
	"users/get-by-username":                           {asInstallation, "", getUser},
	"teams/get-membership-for-user-in-org":            {asInstallation, "members:read", getTeamMembership},
	"repos/get":                                       {asInstallation, "metadata:read", getRepository},
	"repos/get-collaborator-permission-level":         {asInstallation, "metadata:read", getPermission},
	"repos/get-content":                               {asInstallation, "contents:read", getContent},
	"repos/get-commit":                                {asInstallation, "contents:read", getCommit},
	"repos/list-commits":                              {asInstallation, "contents:read", listCommits},
	"repos/list-pull-requests-associated-with-commit": {asInstallation, "pull_requests:read", listPullsOfCommit},
	"repos/get-branch":                                {asInstallation, "contents:read", getBranch},
	"repos/list-branches":                             {asInstallation, "contents:read", listBranches},
	"repos/compare-commits-with-basehead":             {asInstallation, "contents:read", compareCommits},
	"repos/download-tarball-archive":                  {asInstallation, "contents:read", getTarball},
	"git/get-tree":                                    {asInstallation, "contents:read", getTree},
	"git/get-blob":                                    {asInstallation, "contents:read", getBlob},
	"git/get-commit":                                  {asInstallation, "contents:read", getGitCommit},
	"git/get-ref":                                     {asInstallation, "contents:read", getRef},
	"pulls/list":                                      {asInstallation, "pull_requests:read", listPulls},
	"pulls/get":                                       {asInstallation, "pull_requests:read", getPull},
	"pulls/list-commits":                              {asInstallation, "pull_requests:read", listPullCommits},
	"pulls/list-files":                                {asInstallation, "pull_requests:read", listPullFiles},
	"issues/list-comments":                            {asInstallation, "issues:read", listComments},
	"issues/create-comment":                           {asInstallation, "issues:write", createComment},
	"issues/get-comment":                              {asInstallation, "issues:read", getComment},
	"issues/update-comment":                           {asInstallation, "issues:write", updateComment},
	"issues/delete-comment":                           {asInstallation, "issues:write", deleteComment},
	"reactions/create-for-issue-comment":              {asInstallation, "issues:write", createReaction},
	"reactions/list-for-issue-comment":                {asInstallation, "issues:read", listReactions},
	"reactions/delete-for-issue-comment":              {asInstallation, "issues:write", deleteReaction},
	"checks/create":                                   {asInstallation, "checks:write", createCheckRun},
	"checks/get":                                      {asInstallation, "checks:read", getCheckRun},
	"checks/update":                                   {asInstallation, "checks:write", updateCheckRun},
	"checks/list-annotations":                         {asInstallation, "checks:read", listAnnotations},
	"checks/list-for-ref":                             {asInstallation, "checks:read", listCheckRunsOfRef},
	"checks/list-for-suite":                           {asInstallation, "checks:read", listCheckRunsOfSuite},
	"checks/get-suite":                                {asInstallation, "checks:read", getSuite},
	"repos/create-deployment":                         {asInstallation, "deployments:write", createDeployment},
	"repos/list-deployments":                          {asInstallation, "deployments:read", listDeployments},
	"repos/create-deployment-status":                  {asInstallation, "deployments:write", createDeploymentStatus},
	"actions/create-workflow-dispatch":                {asInstallation, "actions:write", dispatchWorkflow},
	"actions/list-workflow-runs":                      {asInstallation, "actions:read", listWorkflowRuns},
	"actions/get-workflow-run":                        {asInstallation, "actions:read", getWorkflowRun},
	"actions/cancel-workflow-run":                     {asInstallation, "actions:write", cancelWorkflowRun},
	"actions/get-pending-deployments-for-run":         {asInstallation, "actions:read", listPendingDeployments},
	"checks/list-suites-for-ref":                      {asInstallation, "checks:read", listSuites},
}
