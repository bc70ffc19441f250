using DbUp.Engine;
using Npgsql;
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

    private static DatabaseUpgradeResult Failed(Exception error) => new([], successful: false, error, errorScript: null);
}
