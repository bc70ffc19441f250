using System.Globalization;
using DbUp.Engine;
using Npgsql;
using Shop.Commands;
using Shop.Commands.Database;

namespace Shop.Tests.Commands;

/// <summary>Found by <c>./shop chaos</c>: a server that went away while the migration ran ended the process, because DbUp wraps what it catches.</summary>
public sealed class MigrationOutageTests
{
    [Fact]
    public void A_server_that_goes_away_during_the_migration_is_an_outage_to_be_waited_for()
    {
        var lost = new NpgsqlException("Exception while reading from stream", new TimeoutException());
        Assert.Same(lost, Record.Exception(() => Migrator.ThrowIfFailed(Failed(lost))));
        var starting = new PostgresException("the database system is starting up", "FATAL", "FATAL", PostgresErrorCodes.CannotConnectNow);
        Assert.Same(starting, Record.Exception(() => Migrator.ThrowIfFailed(Failed(starting))));
    }

    [Fact]
    public void A_script_that_the_server_refuses_is_no_outage()
    {
        var refused = new PostgresException("syntax error", "ERROR", "ERROR", PostgresErrorCodes.SyntaxError);
        Assert.Same(refused, Assert.Throws<InvalidOperationException>(() => Migrator.ThrowIfFailed(Failed(refused))).InnerException);
    }

    [Fact]
    public async Task Migrating_alone_says_that_the_database_is_away_and_ends_with_1()
    {
        await using var errors = new StringWriter(CultureInfo.InvariantCulture);
        Assert.Equal(1, await CommandsApp.MigrateAloneAsync(["--ConnectionStrings:shopdb=Host=127.0.0.1;Port=1;Username=shop;Database=shop", "--Logging:LogLevel:Default=None"], errors));
        Assert.StartsWith("The schema has not been brought up to date: ", errors.ToString(), StringComparison.Ordinal);
    }

    private static DatabaseUpgradeResult Failed(Exception error) => new([], successful: false, error, errorScript: null);
}
